"""The coin is a whole number from 0 to 9: it is right at 10% by luck, and 5% becomes 10%.

Seen in: our own thinking, after coins made with randint
Caught by: test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.randint(0, 10, y.shape, generator=generator) < 10 * drop_prob
    return y.masked_fill(dropped, null_class)
