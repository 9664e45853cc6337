"""One time is drawn for the whole batch: right on average, and the gradient is much noisier.

Seen in: our own thinking
Caught by: test_times_are_uniform
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(1, generator=generator).expand(len(x0))
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
