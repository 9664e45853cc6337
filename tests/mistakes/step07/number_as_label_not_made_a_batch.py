"""A label that comes as one number is not made a batch of one: it only works with lists and
tensors.

Seen in: the code of the lesson, which took len() of what came
Caught by: test_labels_as_tensor_list_or_number
Crashes: TypeError: len() of a 0-d tensor
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
    labels = labels.to(torch.int64)
    if ((labels < 0) | (labels > num_classes)).any():
        raise ValueError("class labels must lie in 0 .. K")
    y = labels.to(_device_of(model, device))

    def velocity(x, t):
        return guided_velocity(model, x, t, y, cfg_scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)
