"""The unconditional strip is drawn once and kept: after more training it shows the old model.

Seen in: our own thinking
Caught by: test_second_call_sees_new_weights
"""

_strips = {}


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
    if noise is None:
        source = generator.device if generator is not None else None
        noise = torch.randn((num_samples, *image_shape), generator=generator, device=source)

    def drawn(label, scale):
        labels = [label] * num_samples
        return sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )

    key = (id(model), num_steps, float(noise.double().sum()))
    if key not in _strips:
        _strips[key] = drawn(num_classes, 1.0)
    return {
        "unconditional": _strips[key],
        "conditional": drawn(target_class, 1.0),
        "guided": drawn(target_class, cfg_scale),
    }
