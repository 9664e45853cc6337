"""1 - scale instead of 1 + scale.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula
"""


def modulate(x, scale, shift):
    return x * (1 - scale[:, None]) + shift[:, None]
