"""The noise is drawn with rand: it lies in [0, 1], and the sampler starts from N(0, 1).

Seen in: our own thinking
Caught by: test_noise_is_standard_normal
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.rand(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
