"""1 + scale is kept for a tensor seen before, although its numbers may have changed.

Seen in: our own thinking
Caught by: test_every_modulation_is_made_anew
"""

FACTORS = {}


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    if id(scale) not in FACTORS:
        FACTORS[id(scale)] = scale, 1 + scale[:, None]
    return x * FACTORS[id(scale)][1] + shift[:, None]
