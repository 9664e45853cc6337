"""Dropped labels get a random class: noise in the labels instead of a label for "any".

Seen in: our own thinking, after label noise as augmentation
Caught by: test_labels_are_kept_or_null, test_zero_drops_nothing_and_one_drops_all
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    others = torch.randint(null_class, y.shape, generator=generator)
    return torch.where(dropped, others, y)
