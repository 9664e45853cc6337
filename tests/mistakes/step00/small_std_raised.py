"""A small standard deviation is raised to 0.05, against division by zero: but D is 0 only for a
deviation of 0, which is refused.

Seen in: our own thinking
Caught by: test_gaussian_velocity_is_expected_noise_less_expected_data
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    std = max(std, 0.05)
    factor = (t - (1 - t) * std**2) / ((1 - t) ** 2 * std**2 + t**2)
    return factor * (x - (1 - t) * mean) - mean
