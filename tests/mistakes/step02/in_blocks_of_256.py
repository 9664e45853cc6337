"""Samples are worked on in blocks of 256; those beyond get the scale of the first block.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula
"""

import torch


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    index = torch.arange(len(x)) % 256
    return x * (1 + scale[index, None]) + shift[index, None]
