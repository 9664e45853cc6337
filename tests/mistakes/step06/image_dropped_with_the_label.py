"""If the label is dropped, the image is blanked as well: the null class learns to draw nothing.

Seen in: our own thinking
Caught by: test_loss_is_the_mean_squared_error
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    dropped = (labels == num_classes).view(-1, 1, 1, 1)
    x_t = x_t.masked_fill(dropped, 0.0)
    return F.mse_loss(model(x_t, t, labels), v)
