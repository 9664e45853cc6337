"""label_drop_prob is accepted and not used: the null row is never trained, and guidance adds noise.

Seen in: Sana#188, CogVideo#255 (as questions)
Caught by: test_all_labels_or_none_reach_the_model, test_share_of_dropped_labels_by_default
"""


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    x1 = torch.randn(x0.shape, generator=generator)
    t = torch.rand(len(x0), generator=generator)
    x_t, v = interpolate(x0, x1, t)
    return F.mse_loss(model(x_t, t, y), v)
