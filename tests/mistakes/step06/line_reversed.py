"""The line runs from noise at t = 0 to data at t = 1, while the target still points at the noise.

Seen in: our own thinking
Caught by: test_interpolate_follows_the_line,
test_the_line_begins_at_the_data_and_ends_at_the_noise,
    test_loss_is_the_mean_squared_error, test_exact_velocity_has_no_loss
"""


def interpolate(x0, x1, t):
    t = t.view(-1, 1, 1, 1)
    return t * x0 + (1 - t) * x1, x1 - x0
