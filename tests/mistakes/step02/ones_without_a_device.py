"""torch.ones is made on the CPU: on a GPU, 1 + scale mixes two devices.

Seen in: our own thinking
Caught by: test_modulate_works_on_any_device
"""

import torch


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    one = torch.ones(scale.shape, dtype=scale.dtype)
    return x * (one + scale)[:, None] + shift[:, None]
