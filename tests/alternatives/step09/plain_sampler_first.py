"""The unconditional mode by `sample`, which needs no labels, and the noise copied for every
call.
"""

from .step07_sampling import sample


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
    if noise is None and generator is not None:
        noise = torch.empty(num_samples, *image_shape, device=generator.device)
        noise = noise.normal_(generator=generator)
    elif noise is None:
        noise = torch.normal(torch.zeros(num_samples, *image_shape), 1.0)
    result = {}
    result["unconditional"] = sample(
        model, num_samples, image_shape, num_steps, device=device, noise=noise.clone()
    )
    for mode, scale in (("conditional", 1), ("guided", float(cfg_scale))):
        result[mode] = sample_conditional(
            model,
            [target_class for _ in range(num_samples)],
            image_shape,
            num_steps=num_steps,
            cfg_scale=scale,
            num_classes=num_classes,
            device=device,
            noise=noise.clone(),
        )
    return result
