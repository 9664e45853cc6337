"""Without a generator noise and times are drawn on the CPU and stay there: on a GPU it fails.

Seen in: our own thinking
Caught by: test_draws_are_moved_to_the_device
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    t = torch.rand(x0.shape[0], generator=generator, dtype=x0.dtype)
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
