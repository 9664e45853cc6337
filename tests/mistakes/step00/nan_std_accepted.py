"""The check is std <= 0. Comparisons with NaN are always false, so NaN passes, and infinity does
too.

Seen in: our own thinking
Caught by: test_std_that_is_not_positive_is_refused
"""


def gaussian_velocity(x, t, mean, std):
    if std <= 0:
        raise ValueError("std")
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    factor = (t - (1 - t) * std**2) / ((1 - t) ** 2 * std**2 + t**2)
    return factor * (x - (1 - t) * mean) - mean
