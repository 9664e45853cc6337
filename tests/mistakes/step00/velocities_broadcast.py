"""The shapes of data and noise are not compared, so that one noise serves all data points.

Seen in: our own thinking
Caught by: test_path_velocity_refuses_shapes_that_differ
"""


def path_velocity(x0, x1):
    return x1 - x0
