"""Squares are summed over the pixels and averaged over the batch alone: the loss depends on the
image size.

Seen in: a lab of MIT's course (a sum over pixels)
Caught by: test_loss_is_the_mean_squared_error, test_gradient_of_the_loss
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return (model(x_t, t, labels) - v).square().sum(dim=(1, 2, 3)).mean()
