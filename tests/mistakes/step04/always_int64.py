"""Labels always come back as int64, whatever dtype they had.

Seen in: our own thinking; .long() against an error elsewhere
Caught by: test_labels_keep_their_dtype
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    dropped = torch.rand(y.shape, generator=generator, device=device) < drop_prob
    return y.long().masked_fill(dropped.to(y.device), null_class)
