"""A small number is added under the root, so equal samples seem to differ.

Seen in: our own thinking
Caught by: test_diversity_of_equal_samples_is_zero
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return (samples.var(dim=0, correction=0) + 1e-8).sqrt().mean().item()
