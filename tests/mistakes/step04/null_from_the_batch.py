"""The null class is guessed as the largest label of the batch plus 1, instead of being taken from
the argument.

Seen in: our own thinking
Caught by: test_labels_are_kept_or_null, test_null_stays_null
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y.masked_fill(dropped, int(y.max()) + 1)
