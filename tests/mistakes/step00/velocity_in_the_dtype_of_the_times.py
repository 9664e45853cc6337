"""Times or a mean in another dtype decide the dtype of the result: they are not brought to that of
x.

Seen in: our own thinking
Caught by: test_dtype_of_the_points_is_kept
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t = t[:, None]
    factor = (t - (1 - t) * std**2) / ((1 - t) ** 2 * std**2 + t**2)
    return factor * (x - (1 - t) * mean) - mean
