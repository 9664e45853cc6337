"""Scales above 20 are cut to 20 without a word.

Seen in: upper limits of sliders in demos; our own thinking
Caught by: test_guidance_lands_where_the_formula_says, test_the_whole_path_is_eulers
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
        return guided_velocity(model, x, t, y, min(cfg_scale, 20), num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
