"""The noise is converted to float32, whatever dtype it came in.

Seen in: our own thinking
Caught by: test_dtype_of_the_noise_is_kept
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
    noise = noise.float()
    labels = [target_digit] * num_samples
    rows = []
    for scale in scales:
        row = sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )
        rows.append(row)
    return torch.stack(rows)
