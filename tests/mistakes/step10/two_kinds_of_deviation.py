"""Deviations divide by D - 1, the mean product by D: the diagonal is a little below 1.

Seen in: the defaults of torch.std and numpy.mean side by side; our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows, test_similarity_by_hand
"""


def similarity_matrix(embeddings):
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    standard = centred / centred.std(axis=1, ddof=1, keepdims=True)
    return standard @ standard.T / centred.shape[1]
