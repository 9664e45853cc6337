"""The numbers of elements are compared instead of the shapes: (1, D) and (D,), or (1, 1, D), still
broadcast.

Seen in: our own thinking
Caught by: test_shapes_that_differ_are_refused
"""


def combine(time_embedding, class_embedding):
    if time_embedding.numel() != class_embedding.numel():
        raise ValueError("sizes differ")
    return time_embedding + class_embedding.reshape(time_embedding.shape)
