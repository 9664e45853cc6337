"""The doubled batch repeats images as 0, 0, 1, 1, … and labels as 0, 1, …, 0, 1, …: the pairs no
longer match.

Seen in: a comment in threestudio#161
Caught by: test_the_whole_path_is_eulers
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
        if cfg_scale in (0, 1):
            return guided_velocity(model, x, t, y, cfg_scale, num_classes)
        labels = torch.cat([torch.full_like(y, num_classes), y])
        both = model(x.repeat_interleave(2, 0), t.repeat(2), labels)
        v_uncond, v_cond = both.chunk(2)
        return v_uncond + cfg_scale * (v_cond - v_uncond)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
