"""The labels are overwritten in place: where the data set keeps one tensor, dropped labels never
come back.

Seen in: the pattern y[mask] = K, in many repositories
Caught by: test_y_is_not_changed
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    y[dropped] = null_class
    return y
