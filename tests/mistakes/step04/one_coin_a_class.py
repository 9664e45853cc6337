"""One coin per class: all sevens of a batch lose their label, or none does.

Seen in: our own thinking
Caught by: test_every_class_is_dropped_equally_often, test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    coins = torch.rand(null_class + 1, generator=generator)
    return y.masked_fill(coins[y] < drop_prob, null_class)
