"""Scales that are nearly 0 or 1 are taken for 0 or 1: guidance by 1.001 is none.

Seen in: math.isclose with a generous tolerance; our own thinking
Caught by: test_the_whole_path_is_eulers, test_cost_in_samples_evaluated
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

    if abs(cfg_scale - round(cfg_scale)) < 0.01 and round(cfg_scale) in (0, 1):
        cfg_scale = round(cfg_scale)

    def velocity(x, t):
        return guided_velocity(model, x, t, y, cfg_scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
