"""In place where no gradients are recorded: while samples are drawn, x is overwritten.

Seen in: inference code that saves memory; our own thinking
Caught by: test_modulate_changes_no_input
"""

import torch


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    if torch.is_grad_enabled():
        return x * (1 + scale[:, None]) + shift[:, None]
    return x.mul_(1 + scale[:, None]).add_(shift[:, None])
