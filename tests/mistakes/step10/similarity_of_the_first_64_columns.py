"""Only the first 64 features are compared.

Seen in: our own thinking
Caught by: test_similarity_of_many_rows
"""


def similarity_matrix(embeddings):
    embeddings = embeddings[:, :64]
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T
