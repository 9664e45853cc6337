"""The standard deviation divides by N - 1, PyTorch's default, instead of by N.

Seen in: the defaults of torch.std and numpy.std differ; our own thinking
Caught by: test_diversity_is_the_mean_standard_deviation_of_a_pixel, test_diversity_of_two_samples
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return samples.std(dim=0).mean().item()
