"""`sample` asks for class 0 instead of no class at all.

Seen in: our own thinking; a label because the model has an argument for it
Caught by: test_sample_lands_on_the_image_of_the_null_class,
test_sample_works_with_an_unconditional_model
"""


def sample(
    model,
    num_samples,
    image_shape,
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    y = torch.zeros(num_samples, dtype=torch.int64, device=_device_of(model, device))
    shape = (num_samples, *image_shape)
    return _euler(model, lambda x, t: model(x, t, y), shape, num_steps, device, generator, noise)
