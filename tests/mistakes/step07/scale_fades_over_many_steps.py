"""With more than ten steps the scale fades from twice its value at t = 1 to nothing at t = 0.

Seen in: schedules of the guidance scale, switched on by default
Caught by: test_spreads_multiply
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
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise TypeError("class labels must be integers")
    labels = labels.to(torch.int64).reshape(-1)
    if ((labels < 0) | (labels > num_classes)).any():
        raise ValueError("class labels must lie in 0 .. K")
    y = labels.to(_device_of(model, device))

    def velocity(x, t):
        faded = num_steps > 10 and cfg_scale not in (0, 1)
        scale = 2 * cfg_scale * float(t[0]) if faded else cfg_scale
        return guided_velocity(model, x, t, y, scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
