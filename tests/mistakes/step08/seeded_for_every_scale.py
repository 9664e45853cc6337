"""The noise is made the same for all scales by seeding torch again and again, without the caller's
knowledge.

Seen in: our own thinking
Caught by: test_without_a_generator_the_global_one_is_used, test_generator_decides_the_result
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
        torch.manual_seed(0)
        row = sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )
        rows.append(row)
    return torch.stack(rows)
