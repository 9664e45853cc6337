"""Labels are dropped by a shuffled list, half of it exact: the number of drops of a large batch
never varies.

Seen in: our own thinking; randperm instead of coins, where the batch is larger than 8
Caught by: test_number_of_drops_varies_in_large_batches
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    coins = torch.rand(y.shape, generator=generator, device=device)
    if len(y) > 8:
        coins = (coins.argsort() + 0.5) / len(y)
    return y.masked_fill((coins < drop_prob).to(y.device), null_class)
