"""Shapes are checked by assert: it raises AssertionError, and `python -O` leaves it out.

Seen in: our own thinking
Caught by: test_shapes_that_differ_are_refused
"""


def combine(time_embedding, class_embedding):
    assert time_embedding.shape == class_embedding.shape
    return time_embedding + class_embedding
