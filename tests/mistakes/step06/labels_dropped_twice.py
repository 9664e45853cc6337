"""The labels are dropped twice on their way to the model: 19% instead of 10%.

Seen in: trainer and model both dropping; our own thinking
Caught by: test_share_of_dropped_labels_by_default
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    labels = drop_labels(labels, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
