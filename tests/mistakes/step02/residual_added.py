"""x is added once more: the residual belongs to the block.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula, test_zero_scale_and_shift_do_nothing
"""


def modulate(x, scale, shift):
    return x + x * (1 + scale[:, None]) + shift[:, None]
