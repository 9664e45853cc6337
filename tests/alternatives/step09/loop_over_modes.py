"""A loop over a table of modes, the unconditional one at w = 0 from the label, labels as a
tensor.
"""


def compare_modes(
    model,
    target_class=3,
    num_samples=16,
    cfg_scale=4.0,
    image_shape=(1, 28, 28),
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    shape = (num_samples, *image_shape)
    if noise is None:
        noise = (
            torch.randn(shape, generator=generator, device=generator.device)
            if generator
            else torch.randn(shape)
        )
    y = torch.full((num_samples,), target_class)
    scales = {"guided": cfg_scale, "conditional": 1, "unconditional": 0}
    options = {"num_steps": num_steps, "num_classes": num_classes, "device": device}
    return {
        mode: sample_conditional(model, y, image_shape, cfg_scale=w, noise=noise, **options)
        for mode, w in scales.items()
    }
