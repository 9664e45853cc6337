"""A small number is added to each length, so the similarities of a small table shrink.

Seen in: the habit of `+ eps` in a denominator; our own thinking
Caught by: test_similarity_does_not_see_how_large_or_far_a_table_is
"""


def similarity_matrix(embeddings):
    centred = embeddings - embeddings.mean(axis=1, keepdims=True)
    unit = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-8)
    return unit @ unit.T
