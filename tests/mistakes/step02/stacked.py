"""torch.stack keeps both embeddings apart, as (2, B, D), and they are never summed.

Seen in: our own thinking
Caught by: test_combine_is_the_sum
"""

import torch


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return torch.stack([time_embedding, class_embedding])
