"""The probability is rounded to a whole percent: 0.004 drops nothing, and 0.996 drops everything.

Seen in: our own thinking; round(100 * p)
Caught by: test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    dropped = torch.rand(y.shape, generator=generator, device=device) < round(100 * drop_prob) / 100
    return y.masked_fill(dropped.to(y.device), null_class)
