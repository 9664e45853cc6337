"""1 + scale is kept off zero: a scale of -1 can no longer switch a feature off.

Seen in: our own thinking
Caught by: test_scale_of_minus_one_leaves_the_shift
"""

import torch


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    factor = 1 + scale[:, None]
    factor = torch.where(factor.abs() < 1e-3, factor + 1e-3, factor)
    return x * factor + shift[:, None]
