"""The arguments come in the order x, shift, scale, so that each does the other's work.

Seen in: modulate(x, shift, scale) in facebookresearch/DiT
Caught by: test_modulate_follows_the_formula
"""


def modulate(x, scale, shift):
    scale, shift = shift, scale
    return x * (1 + scale[:, None]) + shift[:, None]
