"""A scale (B, 1), one number for all features, is taken: torch broadcasts it.

Seen in: our own thinking
Caught by: test_shapes_that_do_not_fit_are_refused
"""


def modulate(x, scale, shift):
    if x.ndim != 3 or {len(scale), len(shift)} != {len(x)} or {scale.ndim, shift.ndim} != {2}:
        raise ValueError("batch sizes differ")
    if not {scale.shape[1], shift.shape[1]} <= {1, x.shape[2]}:
        raise ValueError("features differ")
    return x * (1 + scale[:, None]) + shift[:, None]
