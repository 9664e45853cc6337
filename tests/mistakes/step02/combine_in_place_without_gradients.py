"""In place where no gradients are recorded: while samples are drawn, h_t is overwritten.

Seen in: our own thinking
Caught by: test_combine_changes_no_input
"""

import torch


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    if torch.is_grad_enabled():
        return time_embedding + class_embedding
    return time_embedding.add_(class_embedding)
