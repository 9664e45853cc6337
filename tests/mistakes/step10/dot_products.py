"""Dot products of the centred rows: the picture shows how long the rows are.

Seen in: our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows, test_similarity_by_hand
"""


def similarity_matrix(embeddings):
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    return centred @ centred.T
