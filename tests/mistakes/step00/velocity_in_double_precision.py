"""The velocity is always double, whatever the dtype of the points.

Seen in: our own thinking
Caught by: test_dtype_of_the_velocity_is_that_of_the_ends
"""


def path_velocity(x0, x1):
    if x0.shape != x1.shape:
        raise ValueError("shapes")
    return x1.double() - x0.double()
