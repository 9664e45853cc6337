"""The sum is written into a new tensor that is made without a device.

Seen in: our own thinking
Caught by: test_combine_works_on_any_device
"""

import torch


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    c = torch.zeros(time_embedding.shape, dtype=time_embedding.dtype)
    return c + time_embedding + class_embedding
