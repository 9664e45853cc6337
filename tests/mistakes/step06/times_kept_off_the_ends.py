"""Times keep a distance of 0.001 from 0 and 1: the sampler begins where nothing was learned.

Seen in: the eps of score-based models; our own thinking
Caught by: test_rare_draws_come_as_often_as_they_should
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = generator.device if generator is not None else x0.device
    x1 = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    t = torch.rand(x0.shape[0], generator=generator, device=device, dtype=x0.dtype).to(x0.device)
    t = 0.001 + 0.998 * t
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, drop_labels(y, label_drop_prob, num_classes, generator)), v)
