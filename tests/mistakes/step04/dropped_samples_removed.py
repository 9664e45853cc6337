"""Dropped samples are taken out of the batch instead of being labelled null: images and labels no
longer match.

Seen in: our own thinking, after the word "drop"
Caught by: test_labels_are_kept_or_null, test_zero_drops_nothing_and_one_drops_all
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y[~dropped]
