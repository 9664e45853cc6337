"""The mean of the whole table is subtracted instead of each row's own.

Seen in: embeddings.mean() without an axis; our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows, test_similarity_by_hand
"""


def similarity_matrix(embeddings):
    centred = embeddings - embeddings.mean()
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T
