"""The coin is a whole number from 0 to 99, compared with <=: 10% becomes 11%, and 0% becomes 1%.

Seen in: our own thinking, after coins made with randint
Caught by: test_share_of_dropped_labels, test_zero_drops_nothing_and_one_drops_all
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    coins = torch.randint(0, 100, y.shape, generator=generator)
    return y.masked_fill(coins <= 100 * drop_prob, null_class)
