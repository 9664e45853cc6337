"""Both velocities are computed even at w = 0 and w = 1: twice the cost.

Seen in: MeanFlow#45 (as a question)
Caught by: test_cost_in_samples_evaluated
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
        v_cond, v_uncond = model(x, t, y), model(x, t, torch.full_like(y, num_classes))
        return v_uncond + cfg_scale * (v_cond - v_uncond)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
