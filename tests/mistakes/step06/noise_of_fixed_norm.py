"""Every sample's noise is scaled to the same norm: it lies on a sphere, not in all of space.

Seen in: our own thinking
Caught by: test_rare_draws_come_as_often_as_they_should
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    norm = x1.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    x1 = x1 / norm * x1[0].numel() ** 0.5
    t = torch.rand(x0.shape[0], generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
