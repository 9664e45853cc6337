"""Noise of another shape is reshaped to that of the data if it has as many numbers: coordinates of
different points are mixed.

Seen in: our own thinking
Caught by: test_path_velocity_refuses_shapes_that_differ
"""


def path_velocity(x0, x1):
    if x0.numel() != x1.numel():
        raise ValueError("shapes")
    return x1.reshape(x0.shape) - x0
