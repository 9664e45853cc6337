"""The shape of scale is checked and that of shift is not: a shift (1, F) is broadcast.

Seen in: our own thinking
Caught by: test_shapes_that_do_not_fit_are_refused
"""


def modulate(x, scale, shift):
    if x.ndim != 3 or scale.shape != (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    return x * (1 + scale[:, None]) + shift.view(-1, 1, shift.shape[-1])
