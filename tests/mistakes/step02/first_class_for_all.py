"""The first sample's class is added to the whole batch.

Seen in: our own thinking; unseen in batches of one class
Caught by: test_combine_is_the_sum
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return time_embedding + class_embedding[:1]
