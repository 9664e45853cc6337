"""Every scale draws noise of its own: two things change at once, and the picture shows neither.

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
    labels = [target_digit] * num_samples
    rows = []
    for scale in scales:
        row = sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, generator, noise
        )
        rows.append(row)
    return torch.stack(rows)
