"""Between t = 0.8 and 1 the class's own velocity is taken, without guidance: early steps decide
where an image goes, and the scale does not reach them.

Seen in: guidance in a limited interval, switched on by default
Caught by: test_spreads_multiply, test_means_are_extrapolated
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
        v = guided_velocity(model, x, t, y, cfg_scale, num_classes)
        return model(x, t, y) if 0.8 < t[0] < 1 else v

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
