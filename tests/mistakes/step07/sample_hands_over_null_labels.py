"""`sample` hands null labels to the model, so that a model without labels cannot be sampled.

Seen in: our own thinking
Caught by: test_sample_works_with_an_unconditional_model
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
    shape = (num_samples, *image_shape)
    return _euler(model, lambda x, t: model(x, t, None), shape, num_steps, device, generator, noise)
