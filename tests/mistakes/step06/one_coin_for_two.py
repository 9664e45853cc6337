"""Two neighbours share one coin: their labels are dropped together.

Seen in: our own thinking
Caught by: test_draws_do_not_depend_on_the_data
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    t = torch.rand(x0.shape[0], generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    x_t, v = interpolate(x0, x1, t)
    coins = drop_labels(
        torch.zeros(-(-len(y) // 2), dtype=y.dtype, device=y.device), label_drop_prob, 1, generator
    )
    labels = torch.where(coins.repeat_interleave(2)[: len(y)] == 1, num_classes, y)
    return F.mse_loss(model(x_t, t, labels), v)
