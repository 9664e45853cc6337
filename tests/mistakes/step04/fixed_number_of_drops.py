"""Exactly int(p * B) labels are dropped in every batch: no sample has its own coin, and a batch of
1 drops none.

Seen in: the randperm(B)[: int(p * B)] pattern; our own thinking
Caught by: test_number_of_drops_varies, test_batch_of_one
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    order = torch.randperm(len(y), generator=generator)
    result = y.clone()
    result[order[: int(drop_prob * len(y))]] = null_class
    return result
