"""The mean over pixels is forgotten: the result is a picture, not a number.

Seen in: our own thinking
Caught by: test_diversity_is_the_mean_standard_deviation_of_a_pixel, test_numbers_are_numbers
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return samples.std(dim=0, correction=0)
