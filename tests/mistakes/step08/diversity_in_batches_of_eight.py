"""The diversities of batches of eight are averaged; each is too small.

Seen in: our own thinking
Caught by: test_diversity_is_the_mean_standard_deviation_of_a_pixel
"""


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    parts = [part.std(dim=0, correction=0).mean() for part in samples.split(8) if len(part) > 1]
    return torch.stack(parts).mean().item()
