"""Gradients are turned on for the whole program, also for a caller who turned them off.

Seen in: our own thinking
Caught by: test_combine_changes_no_input
"""

import torch


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    torch.set_grad_enabled(True)
    return time_embedding + class_embedding
