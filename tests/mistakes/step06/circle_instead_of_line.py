"""The noise schedule of a diffusion model, cosine and sine, with the velocity of the straight line.

Seen in: code taken over from diffusion models; our own thinking
Caught by: test_interpolate_follows_the_line, test_loss_is_the_mean_squared_error,
    test_exact_velocity_has_no_loss
"""


def interpolate(x0, x1, t):
    angle = t.view(-1, 1, 1, 1) * torch.pi / 2
    return torch.cos(angle) * x0 + torch.sin(angle) * x1, x1 - x0
