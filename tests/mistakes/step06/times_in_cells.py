"""Sample i draws its time in the i-th part of [0, 1]: spread over the batch, not uniform for it.

Seen in: PMRF#15, OneTrainer#1436
Caught by: test_each_time_is_uniform_in_its_place
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    b = x0.shape[0]
    own = torch.rand(b, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    t = (torch.arange(b, device=x0.device) + own) / b
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
