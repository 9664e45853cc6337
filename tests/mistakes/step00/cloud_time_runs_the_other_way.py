"""In the velocity of the cloud, t and 1 - t are exchanged: it is that of a path on which t = 0 is
noise.

Seen in: LightningDiT#89
Caught by: test_gaussian_velocity_at_both_ends,
test_gaussian_velocity_is_expected_noise_less_expected_data
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    factor = (1 - t - t * std**2) / (t**2 * std**2 + (1 - t) ** 2)
    return factor * (x - t * mean) - mean
