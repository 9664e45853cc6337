"""randn instead of rand: of numbers from N(0, 1), 54% are below 0.1 and half of them are below 0.

Seen in: a hint in MIT's course on flow matching
Caught by: test_share_of_dropped_labels, test_zero_drops_nothing_and_one_drops_all
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.randn(y.shape, generator=generator) < drop_prob
    return y.masked_fill(dropped, null_class)
