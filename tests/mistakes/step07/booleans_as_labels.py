"""True and False are taken for the classes 1 and 0 instead of being refused.

Seen in: a bool is an int in Python; our own thinking
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
    if ((labels < 0) | (labels > num_classes)).any():
        raise ValueError("class labels must lie in 0 .. K")
    y = labels.to(_device_of(model, device))

    def velocity(x, t):
        return guided_velocity(model, x, t, y, cfg_scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
