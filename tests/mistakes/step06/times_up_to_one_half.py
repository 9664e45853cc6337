"""Times are drawn only from the first half of [0, 1]: the model never sees noise.

Seen in: our own thinking
Caught by: test_times_are_uniform
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator) / 2
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
