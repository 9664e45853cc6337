"""torch.vmap writes modulate for one sample, and the sum is an einsum."""

import torch


def combine(time_embedding, class_embedding):
    if tuple(time_embedding.shape) != tuple(class_embedding.shape):
        raise ValueError("nothing is broadcast")
    both = torch.cat([time_embedding[None], class_embedding[None]])
    return torch.einsum("k...->...", both)


def modulate(x, scale, shift):
    return torch.vmap(lambda tokens, a, b: tokens + a * tokens + b)(x, scale, shift)
