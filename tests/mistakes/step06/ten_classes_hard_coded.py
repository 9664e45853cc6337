"""The null class is written as 10 instead of being taken from num_classes: other data sets break.

Seen in: diffusers#13616
Caught by: test_all_labels_or_none_reach_the_model, test_trainer_drops_labels
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, 10, generator)
    return F.mse_loss(model(x_t, t, labels), v)
