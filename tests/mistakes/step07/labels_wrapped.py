"""Labels outside 0 .. K are wrapped around: a 14 draws a 3 and nobody is told.

Seen in: our own thinking
Caught by: test_bad_labels_are_refused
"""


def sample_conditional(
    model,
    class_labels,
    image_shape,
    num_steps=50,
    cfg_scale=4.0,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    labels = torch.as_tensor(class_labels)
    if labels.is_floating_point():
        raise TypeError("class labels must be integers")
    labels = labels.to(torch.int64).reshape(-1)
    labels = labels % (num_classes + 1)
    y = labels.to(_device_of(model, device))

    def velocity(x, t):
        return guided_velocity(model, x, t, y, cfg_scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
