"""One draw shifts a whole grid of times: each is uniform, but those of a batch are tied.

Seen in: the low-discrepancy sampler of variational diffusion models; our own thinking
Caught by: test_each_time_is_uniform_in_its_place
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    b = x0.shape[0]
    shift = torch.rand(1, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    t = (shift + torch.randperm(b, generator=generator, device=device).to(x0) / b) % 1
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
