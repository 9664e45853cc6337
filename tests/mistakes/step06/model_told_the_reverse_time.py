"""The model is told 1 - t: it learns at the wrong times, and the sampler uses other times.

Seen in: our own thinking
Caught by: test_loss_is_the_mean_squared_error, test_exact_velocity_has_no_loss
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, 1 - t, labels), v)
