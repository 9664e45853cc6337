"""The generator is accepted and not used: its seed decides nothing.

Seen in: our own thinking
Caught by: test_generator_decides_the_loss
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn_like(x0)
    t = torch.rand(len(x0))
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes)
    return F.mse_loss(model(x_t, t, labels), v)
