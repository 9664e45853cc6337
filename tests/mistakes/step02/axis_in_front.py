"""The new axis is in front: each token gets the scale of the sample with its number.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula, test_each_sample_has_its_own_scale_and_shift
"""


def modulate(x, scale, shift):
    return x * (1 + scale[None]) + shift[None]
