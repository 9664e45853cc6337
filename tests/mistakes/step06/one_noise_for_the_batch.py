"""One noise image is shared by the whole batch.

Seen in: our own thinking
Caught by: test_noise_is_independent
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(1, *x0.shape[1:], generator=generator).expand_as(x0)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
