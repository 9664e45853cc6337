"""NaN and infinity are replaced by numbers: what goes wrong upstream is hidden.

Seen in: training loops with guards against NaN; our own thinking
Caught by: test_modulate_lets_through_what_is_not_finite
"""

import torch


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    return torch.nan_to_num(x * (1 + scale[:, None]) + shift[:, None])
