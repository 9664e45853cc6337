"""sample_each_class does not hand scale and noise on: it always guides with 4, from noise of its
own.

Seen in: our own thinking
Caught by: test_each_class_in_the_order_of_the_classes, test_each_class_follows_the_given_noise
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
    labels = torch.arange(num_classes).repeat_interleave(num_per_class)
    return sample_conditional(
        model,
        labels,
        image_shape,
        num_steps,
        num_classes=num_classes,
        device=device,
        generator=generator,
    )
