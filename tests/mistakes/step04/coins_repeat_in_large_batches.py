"""No more than 1024 coins are drawn; a larger batch uses them again and again.

Seen in: our own thinking; a buffer of fixed size
Caught by: test_labels_are_dropped_independently
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    coins = torch.rand(min(len(y), 1024), generator=generator, device=device)
    dropped = coins.repeat(len(y) // 1024 + 1)[: len(y)] < drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)
