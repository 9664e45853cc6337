"""The diversity is rounded to three decimals.

Seen in: our own thinking
Caught by: test_diversity_of_a_cloud_is_its_spread
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return round(samples.std(dim=0, correction=0).mean().item(), 3)
