"""Each image gets the noise of its batch that is nearest in brightness: noise depends on the data.

Seen in: minibatch optimal transport, done by hand; our own thinking
Caught by: test_draws_do_not_depend_on_the_data
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    x1 = x1[x1.mean((1, 2, 3)).argsort()][x0.mean((1, 2, 3)).argsort().argsort()]
    t = torch.rand(x0.shape[0], generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
