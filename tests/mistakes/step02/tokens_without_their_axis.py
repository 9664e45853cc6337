"""x may be (B, F): with a new axis for scale and shift it becomes (B, B, F).

Seen in: our own thinking
Caught by: test_shapes_that_do_not_fit_are_refused
"""


def modulate(x, scale, shift):
    if not scale.shape == shift.shape == (x.shape[0], x.shape[-1]):
        raise ValueError("shapes do not fit")
    return x * (1 + scale[:, None]) + shift[:, None]
