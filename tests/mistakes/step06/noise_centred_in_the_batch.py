"""The mean of the batch is taken off the noise: the noises of a batch add up to zero.

Seen in: our own thinking
Caught by: test_each_time_is_uniform_in_its_place
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    if len(x1) > 1:
        x1 = x1 - x1.mean(0, keepdim=True)
        x1 = x1 * (len(x1) / (len(x1) - 1)) ** 0.5
    t = torch.rand(x0.shape[0], generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
