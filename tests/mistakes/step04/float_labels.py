"""The labels come back as floats, because a float was put in: an embedding refuses them.

Seen in: torch.where(mask, 10.0, y); our own thinking
Caught by: test_labels_are_kept_or_null, test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return torch.where(dropped, float(null_class), y.float())
