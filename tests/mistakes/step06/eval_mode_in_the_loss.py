"""The loss puts the model into eval mode: dropout inside the model is off while it trains.

Seen in: a sampler's habit, ddpm-pytorch#327; our own thinking
Caught by: test_mode_is_left_alone
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    model.eval()
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
