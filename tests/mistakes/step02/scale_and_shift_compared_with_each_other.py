"""scale and shift are compared with each other, and not with x: (1, F) is broadcast.

Seen in: our own thinking
Caught by: test_shapes_that_do_not_fit_are_refused
"""


def modulate(x, scale, shift):
    if scale.shape != shift.shape:
        raise ValueError("shapes differ")
    return x * (1 + scale[:, None]) + shift[:, None]
