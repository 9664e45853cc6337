"""The deviation is taken over the pixels of each sample instead of over the samples of each pixel.

Seen in: our own thinking
Caught by: test_diversity_is_the_mean_standard_deviation_of_a_pixel,
test_diversity_of_equal_samples_is_zero
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return samples.flatten(1).std(dim=1, correction=0).mean().item()
