"""The shift is never added.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula, test_gradients_reach_tokens_scale_and_shift
"""


def modulate(x, scale, shift):
    return x * (1 + scale[:, None])
