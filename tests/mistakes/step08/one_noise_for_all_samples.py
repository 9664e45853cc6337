"""One noise is drawn for all samples of a row: six times the same picture.

Seen in: our own thinking
Caught by: test_all_scales_start_from_the_same_noise
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
        noise = torch.randn(image_shape, generator=generator, device=source)
        noise = noise.repeat(num_samples, 1, 1, 1)
    labels = [target_digit] * num_samples
    rows = []
    for scale in scales:
        row = sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )
        rows.append(row)
    return torch.stack(rows)
