"""The sum of halves is computed in float32 and never converted back.

Seen in: our own thinking
Caught by: test_combine_keeps_the_dtype
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    if time_embedding.element_size() < 4:
        time_embedding = time_embedding.float()
    return time_embedding + class_embedding
