"""The model is called with and without labels and both losses are mixed: twice the cost, and other
gradients.

Seen in: guidance mistaken for a part of training; our own thinking
Caught by: test_loss_is_the_mean_squared_error
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    null = torch.full_like(y, num_classes)
    with_label = F.mse_loss(model(x_t, t, y), v)
    without = F.mse_loss(model(x_t, t, null), v)
    return (1 - label_drop_prob) * with_label + label_drop_prob * without
