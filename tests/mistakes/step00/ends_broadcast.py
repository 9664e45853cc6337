"""Shapes are not compared, so one noise serves all data points, or one time all points, without a
word.

Seen in: our own thinking
Caught by: test_shapes_that_do_not_fit_are_refused
"""


def point_on_path(x0, x1, t):
    t = t.to(x0.dtype).reshape(-1, 1)
    return (1 - t) * x0 + t * x1
