"""The mean is added instead of subtracted: the walk leads to -mean.

Seen in: our own thinking
Caught by: test_gaussian_velocity_at_both_ends,
test_gaussian_velocity_is_expected_noise_less_expected_data
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    factor = (t - (1 - t) * std**2) / ((1 - t) ** 2 * std**2 + t**2)
    return factor * (x - (1 - t) * mean) + mean
