"""Odd classes get the upper half of the times first: a sample's time depends on its label.

Seen in: our own thinking
Caught by: test_draws_do_not_depend_on_the_data
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    t = torch.rand(x0.shape[0], generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    t = t.sort().values[
        (y % 2 + torch.rand(y.shape, generator=generator, device=device).to(y.device) / 2)
        .argsort()
        .argsort()
    ]
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
