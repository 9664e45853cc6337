"""64 noises are drawn and repeated for more samples.

Seen in: our own thinking
Caught by: test_noise_is_standard_normal
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
    if noise is None:
        source = generator.device if generator is not None else None
        noise = torch.randn(
            (min(64, num_samples), *image_shape), generator=generator, device=source
        )
        noise = noise.repeat(num_samples // 64 + 1, 1, 1, 1)[:num_samples]

    def drawn(label, scale):
        labels = [label] * num_samples
        return sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )

    return {
        "unconditional": drawn(num_classes, 1.0),
        "conditional": drawn(target_class, 1.0),
        "guided": drawn(target_class, cfg_scale),
    }
