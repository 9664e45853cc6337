"""One coin for every two samples, spread by repeat_interleave: neighbours are always dropped
together.

Seen in: our own thinking
Caught by: test_labels_are_dropped_independently, test_number_of_drops_varies
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    coins = torch.rand((len(y) + 1) // 2, generator=generator).repeat_interleave(2)[: len(y)]
    return y.masked_fill(coins < drop_prob, null_class)
