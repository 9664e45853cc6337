"""Times are drawn with randn: half of them are negative, and a third lies outside of [-1, 1].

Seen in: a hint in a lab of MIT's course on flow matching
Caught by: test_times_are_uniform
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.randn(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
