"""The probability is written as 0.1 instead of being taken from the argument.

Seen in: our own thinking
Caught by: test_share_of_dropped_labels, test_zero_drops_nothing_and_one_drops_all
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < 0.1
    return y.masked_fill(dropped, null_class)
