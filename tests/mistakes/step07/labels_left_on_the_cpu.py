"""Labels stay where they were: with a model on a GPU they are on the CPU.

Seen in: issue trackers everywhere: expected all tensors to be on the same device
Caught by: test_everything_is_on_one_device
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
    y = labels

    def velocity(x, t):
        return guided_velocity(model, x, t, y, cfg_scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
