"""A standard deviation of 0, below 0, infinite or NaN is accepted.

Seen in: our own thinking
Caught by: test_std_that_is_not_positive_is_refused
"""


def gaussian_velocity(x, t, mean, std):
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    factor = (t - (1 - t) * std**2) / ((1 - t) ** 2 * std**2 + t**2)
    return factor * (x - (1 - t) * mean) - mean
