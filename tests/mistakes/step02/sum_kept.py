"""The sum is kept for tensors seen before, although their numbers may have changed.

Seen in: our own thinking
Caught by: test_every_sum_is_made_anew
"""

SUMS = {}


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    key = id(time_embedding), id(class_embedding)
    if key not in SUMS:
        SUMS[key] = time_embedding, class_embedding, time_embedding + class_embedding
    return SUMS[key][2]
