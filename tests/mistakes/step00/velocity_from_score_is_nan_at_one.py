"""The velocity is made from the score as -(x + t score) / (1 - t), which is 0 / 0 at t = 1, where
every walk begins.

Seen in: our own thinking
Caught by: test_gaussian_velocity_at_both_ends
"""


def gaussian_velocity(x, t, mean, std):
    if not 0 < std < math.inf:
        raise ValueError("std")
    t, mean = t.to(x.dtype)[:, None], mean.to(x.dtype)
    score = -(x - (1 - t) * mean) / ((1 - t) ** 2 * std**2 + t**2)
    return -(x + t * score) / (1 - t)
