"""The first label is used for the whole batch.

Seen in: Lornatang PR#4 (label stuck at 6)
Caught by: test_guidance_lands_where_the_formula_says, test_labels_as_tensor_list_or_number
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
    labels = labels[:1].expand(len(labels))
    if ((labels < 0) | (labels > num_classes)).any():
        raise ValueError("class labels must lie in 0 .. K")
    y = labels.to(_device_of(model, device))

    def velocity(x, t):
        return guided_velocity(model, x, t, y, cfg_scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
