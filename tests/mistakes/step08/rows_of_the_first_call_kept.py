"""A row is drawn once and kept: after more training, the old pictures come back.

Seen in: our own thinking
Caught by: test_second_call_sees_new_weights
"""

_rows = {}


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
    labels = [target_digit] * num_samples
    rows = []
    for scale in scales:
        key = (id(model), target_digit, scale, num_steps, float(noise.double().sum()))
        if key not in _rows:
            _rows[key] = sample_conditional(
                model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
            )
        rows.append(_rows[key])
    return torch.stack(rows)
