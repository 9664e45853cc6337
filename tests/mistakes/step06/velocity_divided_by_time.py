"""The velocity is taken from x_t instead of x0, so that it shrinks with t and vanishes at the
noise.

Seen in: our own thinking
Caught by: test_interpolate_follows_the_line, test_loss_is_the_mean_squared_error,
    test_exact_velocity_has_no_loss
"""


def interpolate(x0, x1, t):
    t = t.view(-1, 1, 1, 1)
    x_t = (1 - t) * x0 + t * x1
    return x_t, x1 - x_t
