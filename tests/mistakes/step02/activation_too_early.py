"""A SiLU is applied to the sum; the blocks have one of their own.

Seen in: our own thinking
Caught by: test_combine_is_the_sum
"""

import torch


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return torch.nn.functional.silu(time_embedding + class_embedding)
