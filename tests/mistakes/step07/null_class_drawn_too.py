"""The null class is drawn as an eleventh class.

Seen in: our own thinking; the table has K + 1 rows
Caught by: test_each_class_in_the_order_of_the_classes
"""


def sample_each_class(
    model,
    num_per_class=1,
    image_shape=(1, 28, 28),
    num_steps=50,
    cfg_scale=4.0,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    labels = torch.arange(num_classes + 1).repeat_interleave(num_per_class)
    return sample_conditional(
        model, labels, image_shape, num_steps, cfg_scale, num_classes, device, generator, noise
    )
