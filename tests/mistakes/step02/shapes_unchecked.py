"""Shapes are not compared: one scale (F,), or a scale (1, F), silently serves all samples.

Seen in: facebookresearch/DiT, models.py, where shapes are right by construction
Caught by: test_shapes_that_do_not_fit_are_refused
"""


def modulate(x, scale, shift):
    return x * (1 + scale.unsqueeze(-2)) + shift.unsqueeze(-2)
