"""More than 50 steps are cut to 50.

Seen in: our own thinking
Caught by: test_spread_falls_with_the_scale_as_the_law_says,
test_entry_s_i_is_noise_i_guided_with_scale_s
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
    num_steps = min(num_steps, 50)
    labels = [target_digit] * num_samples
    rows = []
    for scale in scales:
        row = sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )
        rows.append(row)
    return torch.stack(rows)
