"""The second half of the noise is minus the first half, so the samples are not independent.

Seen in: antithetic sampling, where it was not asked for; our own thinking
Caught by: test_noise_is_standard_normal
"""


def compare_cfg_scales(
    model,
    target_digit=7,
    scales=(1, 2, 3, 4, 5, 7),
    num_samples=6,
    image_shape=(1, 28, 28),
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    if noise is None:
        source = generator.device if generator is not None else None
        noise = torch.randn((num_samples, *image_shape), generator=generator, device=source)
        half = num_samples // 2
        noise = torch.cat([noise[: num_samples - half], -noise[:half]])
    labels = [target_digit] * num_samples
    rows = []
    for scale in scales:
        row = sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )
        rows.append(row)
    return torch.stack(rows)
