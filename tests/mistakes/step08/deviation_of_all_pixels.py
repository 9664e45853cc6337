"""One standard deviation over everything: it mostly measures that pixels differ within an image.

Seen in: samples.std() without an axis; our own thinking
Caught by: test_diversity_is_the_mean_standard_deviation_of_a_pixel,
test_diversity_of_equal_samples_is_zero
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return samples.std(correction=0).item()
