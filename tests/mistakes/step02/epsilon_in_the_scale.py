"""A small number is added to 1 + scale, as if something were divided by it.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula
"""


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    return x * (1 + 1e-10 + scale[:, None]) + shift[:, None]
