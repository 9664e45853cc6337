"""x * scale + shift, without the 1: a projection that starts at zero erases its input.

Seen in: our own thinking; the plain affine layer norm
Caught by: test_modulate_follows_the_formula, test_zero_scale_and_shift_do_nothing
"""


def modulate(x, scale, shift):
    return x * scale[:, None] + shift[:, None]
