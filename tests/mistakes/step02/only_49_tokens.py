"""The number of tokens is fixed at 49: those beyond come out as they went in.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula
"""

import torch


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    first = x[:, :49] * (1 + scale[:, None]) + shift[:, None]
    return torch.cat([first, x[:, 49:]], dim=1)
