"""The numbers are read in the order of the memory, which is that of the columns in Fortran order.

Seen in: our own thinking
Caught by: test_similarity_does_not_see_the_layout
"""


def similarity_matrix(embeddings):
    embeddings = embeddings.ravel(order="K").reshape(embeddings.shape)
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T
