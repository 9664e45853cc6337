"""The standard deviation is taken to be 1, whatever it is.

Seen in: our own thinking
Caught by: test_gaussian_velocity_is_expected_noise_less_expected_data
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    factor = (2 * t - 1) / ((1 - t) ** 2 + t**2)
    return factor * (x - (1 - t) * mean) - mean
