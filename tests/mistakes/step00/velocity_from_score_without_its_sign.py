"""The velocity is made from the score with the wrong sign: it is -(x + t score) / (1 - t), with a
minus in front.

Seen in: our own thinking
Caught by: test_gaussian_velocity_is_expected_noise_less_expected_data
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    score = -(x - (1 - t) * mean) / ((1 - t) ** 2 * std**2 + t**2)
    return (x + t * score) / (1 - t)
