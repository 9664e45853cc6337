"""The class scales the time, (1 + h_y) h_t, instead of being added to it.

Seen in: FiLM taken a step too early; our own thinking
Caught by: test_combine_is_the_sum
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return time_embedding * (1 + class_embedding)
