"""Every mode draws noise of its own: nothing can be compared column by column.

Seen in: our own thinking
Caught by: test_all_modes_start_from_the_same_noise
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
    def drawn(label, scale):
        labels = [label] * num_samples
        return sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, generator, noise
        )

    return {
        "unconditional": drawn(num_classes, 1.0),
        "conditional": drawn(target_class, 1.0),
        "guided": drawn(target_class, cfg_scale),
    }
