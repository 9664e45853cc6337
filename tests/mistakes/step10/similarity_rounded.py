"""The similarities are rounded to four decimals.

Seen in: our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows
"""


def similarity_matrix(embeddings):
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return np.round(unit @ unit.T, 4)
