"""Shapes that do not fit are broadcast: one noise for the whole batch is not noticed.

Seen in: our own thinking
Caught by: test_interpolate_refuses_shapes_that_do_not_fit
"""


def interpolate(x0, x1, t):
    t = t.to(x0.dtype).view(-1, 1, 1, 1)
    return (1 - t) * x0 + t * x1, x1 - x0
