"""scale and shift meet x without a new axis: samples and tokens are confused if B = N; otherwise it
crashes.

Seen in: the broadcasting rule itself; our own thinking
Caught by: test_modulate_follows_the_formula, test_each_sample_has_its_own_scale_and_shift
"""


def modulate(x, scale, shift):
    return x * (1 + scale) + shift
