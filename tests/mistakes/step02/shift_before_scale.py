"""The shift is added first and scaled along with x.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula, test_scale_and_shift_have_their_own_parts
"""


def modulate(x, scale, shift):
    return (x + shift[:, None]) * (1 + scale[:, None])
