"""The null label is taken for the last class: K - 1 is put in, and K is never trained.

Seen in: our own thinking
Caught by: test_labels_are_kept_or_null, test_zero_drops_nothing_and_one_drops_all
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y.masked_fill(dropped, null_class - 1)
