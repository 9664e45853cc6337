"""Dot products are divided by the greatest of them, so that only one row has a 1 on the diagonal.

Seen in: our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows, test_similarity_by_hand
"""


def similarity_matrix(embeddings):
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    products = centred @ centred.T
    return products / products.max()
