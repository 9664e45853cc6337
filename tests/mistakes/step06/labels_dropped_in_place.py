"""The labels of the batch are overwritten: where the data set keeps them, they never come back.

Seen in: the pattern y[mask] = K, in many repositories
Caught by: test_images_and_labels_are_not_changed
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    y[torch.rand(len(y), generator=generator) < label_drop_prob] = num_classes
    return F.mse_loss(model(x_t, t, y), v)
