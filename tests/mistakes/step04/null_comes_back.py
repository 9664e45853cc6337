"""A null label counts as no label and is given a class again, so that null does not stay null.

Seen in: our own thinking
Caught by: test_null_stays_null
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    kept = torch.rand(y.shape, generator=generator) >= drop_prob
    return torch.where(kept, y % null_class, torch.full_like(y, null_class))
