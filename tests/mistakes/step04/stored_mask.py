"""The mask of the first batch is stored and used again: the same places lose their label for ever.

Seen in: our own thinking
Caught by: test_every_call_draws_anew
"""

MASKS = {}


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    if y.shape not in MASKS:
        MASKS[y.shape] = torch.rand(y.shape, generator=generator)
    return y.masked_fill(MASKS[y.shape] < drop_prob, null_class)
