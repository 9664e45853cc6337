"""The 1 is added to the product and not to the scale.

Seen in: operator precedence; our own thinking
Caught by: test_modulate_follows_the_formula, test_zero_scale_and_shift_do_nothing
"""


def modulate(x, scale, shift):
    return x * scale[:, None] + 1 + shift[:, None]
