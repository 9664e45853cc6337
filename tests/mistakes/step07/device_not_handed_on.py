"""sample_each_class does not hand the device on: that of the model is taken.

Seen in: our own thinking
Caught by: test_everything_is_on_one_device
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
        model, labels, image_shape, num_steps, cfg_scale, num_classes, None, generator, noise
    )
