"""At small probabilities two neighbours share a coin; above 0.2 every label has its own.

Seen in: our own thinking
Caught by: test_labels_are_dropped_independently
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    coins = torch.rand(y.shape, generator=generator, device=device)
    if drop_prob < 0.2 and len(y) > 1:
        coins[1::2] = coins[::2][: len(y) // 2]
    return y.masked_fill((coins < drop_prob).to(y.device), null_class)
