"""In the velocity of the cloud, t of shape (N,) meets points of shape (N, 2) as it is. For two
points it runs along the two coordinates.

Seen in: our own thinking
Caught by: test_gaussian_velocity_is_expected_noise_less_expected_data
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t, mean = t.to(x.dtype), mean.to(x.dtype)
    factor = (t - (1 - t) * std**2) / ((1 - t) ** 2 * std**2 + t**2)
    return factor * (x - (1 - t) * mean) - mean
