"""The noise is made the same by seeding torch before every mode, without the caller's knowledge.

Seen in: our own thinking
Caught by: test_without_a_generator_the_global_one_is_used, test_generator_decides_the_result
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
        torch.manual_seed(0)
        labels = [label] * num_samples
        return sample_conditional(
            model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
        )

    return {
        "unconditional": drawn(num_classes, 1.0),
        "conditional": drawn(target_class, 1.0),
        "guided": drawn(target_class, cfg_scale),
    }
