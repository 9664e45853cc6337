"""The variance is averaged, not the standard deviation: the unit is pixels squared.

Seen in: our own thinking
Caught by: test_diversity_is_the_mean_standard_deviation_of_a_pixel, test_diversity_of_two_samples
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return samples.var(dim=0, correction=0).mean().item()
