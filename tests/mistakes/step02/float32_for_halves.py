"""Halves are computed in float32 and never converted back: the next layer refuses them.

Seen in: diffusers, where norms are computed in float32 and converted back
Caught by: test_modulate_keeps_the_dtype
"""


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    if x.element_size() < 4:
        x = x.float()
    return x * (1 + scale[:, None]) + shift[:, None]
