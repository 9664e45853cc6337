"""A time embedding (1, D) is expanded to the batch, as if one time were meant for all.

Seen in: our own thinking
Caught by: test_shapes_that_differ_are_refused
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape[0] == 1:
        time_embedding = time_embedding.expand_as(class_embedding)
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return time_embedding + class_embedding
