"""The scale is averaged over the features: one number per sample is left.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula
"""


def modulate(x, scale, shift):
    return x * (1 + scale.mean(-1)[:, None, None]) + shift[:, None]
