"""requires_grad is set on the scale that was handed in, also if it is frozen.

Seen in: our own thinking
Caught by: test_modulate_changes_no_input
"""


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    scale.requires_grad_(True)
    return x * (1 + scale[:, None]) + shift[:, None]
