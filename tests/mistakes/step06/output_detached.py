"""The model is called under no_grad: the loss has no graph, and nothing is learned.

Seen in: our own thinking
Caught by: test_gradient_of_the_loss
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    with torch.no_grad():
        output = model(x_t, t, labels)
    return F.mse_loss(output, v)
