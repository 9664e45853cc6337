"""The generator is accepted and not used: its seed decides nothing, and the global one moves
instead.

Seen in: our own thinking
Caught by: test_generator_decides_the_result
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape) < drop_prob
    return y.masked_fill(dropped, null_class)
