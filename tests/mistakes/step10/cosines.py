"""The rows' own means are not subtracted: cosines instead of correlations.

Seen in: our own thinking; the two are often taken for one
Caught by: test_similarity_is_the_correlation_of_the_rows, test_similarity_by_hand
"""


def similarity_matrix(embeddings):
    centred = embeddings
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T
