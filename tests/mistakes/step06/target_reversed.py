"""The target is x0 - x1: it trains as well as ever, and the sampler then walks away from the
images.

Seen in: friendly-stable-audio-tools#9, Open-Sora#628
Caught by: test_interpolate_follows_the_line, test_loss_is_the_mean_squared_error,
    test_exact_velocity_has_no_loss
"""


def interpolate(x0, x1, t):
    t = t.view(-1, 1, 1, 1)
    return (1 - t) * x0 + t * x1, x0 - x1
