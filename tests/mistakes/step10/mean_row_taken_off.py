"""The mean row over the classes is subtracted, as in PCA, instead of each row's own mean.

Seen in: our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows, test_similarity_by_hand
"""


def similarity_matrix(embeddings):
    centred = embeddings - embeddings.mean(axis=0, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T
