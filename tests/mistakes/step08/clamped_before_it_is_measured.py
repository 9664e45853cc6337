"""Samples are clamped to [-1, 1] before they are measured, which hides the over-saturation.

Seen in: our own thinking
Caught by: test_diversity_is_the_mean_standard_deviation_of_a_pixel,
    test_diversity_does_not_see_what_all_samples_share
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return samples.clamp(-1, 1).std(dim=0, correction=0).mean().item()
