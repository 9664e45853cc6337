"""A small number is added to the sum.

Seen in: our own thinking
Caught by: test_combine_is_the_sum
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return time_embedding + class_embedding + 1e-12
