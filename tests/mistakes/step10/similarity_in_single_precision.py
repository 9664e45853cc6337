"""The table is converted to float32 first, and digits are lost.

Seen in: our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows
"""


def similarity_matrix(embeddings):
    embeddings = embeddings.astype(np.float32)
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T
