"""A little noise that all pixels of a channel share is added: their mean is no longer that of N(0,
1).

Seen in: "offset noise" of fine-tuning scripts, switched on by default
Caught by: test_noise_is_independent
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    x1 = x1 + 0.1 * torch.randn(*x0.shape[:2], 1, 1, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    return F.mse_loss(model(x_t, t, labels), v)
