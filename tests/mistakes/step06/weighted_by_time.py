"""Samples are weighted by 1 / t, so the model learns almost nothing at times near 1.

Seen in: losses of other parametrisations; our own thinking
Caught by: test_loss_is_the_mean_squared_error, test_gradient_of_the_loss
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    errors = (model(x_t, t, labels) - v).square().mean(dim=(1, 2, 3))
    return (errors / t.clamp(min=0.01)).mean()
