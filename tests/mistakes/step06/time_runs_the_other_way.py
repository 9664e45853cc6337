"""Noise is at t = 0 and data at t = 1, target included: the sampler starts at the wrong end.

Seen in: LightningDiT#89, rectified-flow#14
Caught by: test_interpolate_follows_the_line,
test_the_line_begins_at_the_data_and_ends_at_the_noise,
    test_loss_is_the_mean_squared_error, test_exact_velocity_has_no_loss
"""


def interpolate(x0, x1, t):
    t = t.view(-1, 1, 1, 1)
    return (1 - t) * x1 + t * x0, x0 - x1
