"""The mask is inverted: what should be dropped is kept, and the share 1 - p of the labels vanishes.

Seen in: our own thinking, after a loss curve that looked normal
Caught by: test_zero_drops_nothing_and_one_drops_all, test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return torch.where(dropped, y, torch.full_like(y, null_class))
