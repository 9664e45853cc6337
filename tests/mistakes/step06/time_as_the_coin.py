"""The time serves as the coin as well: labels vanish only at small t, where nobody needs the null
class.

Seen in: our own thinking
Caught by: test_dropping_noise_and_time_are_independent
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = torch.where(t < label_drop_prob, num_classes, y)
    return F.mse_loss(model(x_t, t, labels), v)
