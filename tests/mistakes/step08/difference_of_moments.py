"""The variance is the mean square minus the squared mean: nearly equal numbers, whose difference
is rounding.

Seen in: our own thinking
Caught by: test_diversity_of_equal_samples_is_zero
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    variance = samples.square().mean(dim=0) - samples.mean(dim=0).square()
    return variance.clamp(min=0).sqrt().mean().item()
