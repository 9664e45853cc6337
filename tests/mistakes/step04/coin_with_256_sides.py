"""A coin with 256 sides: small probabilities become a multiple of 1/256.

Seen in: our own thinking; random bytes as coins
Caught by: test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    coins = torch.randint(256, y.shape, generator=generator, device=device)
    dropped = coins < 256 * drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)
