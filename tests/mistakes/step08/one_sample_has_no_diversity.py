"""One sample gives 0 instead of an error: a table with N = 1 looks like a collapse.

Seen in: our own thinking
Caught by: test_diversity_needs_two_samples
"""


def diversity(samples):
    if len(samples) < 2:
        return 0.0
    return samples.std(dim=0, correction=0).mean().item()
