"""A new axis makes the sum (B, B, D): each time meets each class.

Seen in: dreamzero#25
Caught by: test_combine_is_the_sum
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return time_embedding[:, None] + class_embedding
