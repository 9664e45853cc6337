"""Everything is computed and returned in float32, whatever came in.

Seen in: mixed precision by hand; our own thinking
Caught by: test_modulate_keeps_the_dtype
"""


def modulate(x, scale, shift):
    return x.float() * (1 + scale.float()[:, None]) + shift.float()[:, None]
