"""The means are subtracted in place: the table itself is changed, and with it the model.

Seen in: `embeddings -= ...` on .numpy() of a parameter; our own thinking
Caught by: test_similarity_changes_no_input
"""


def similarity_matrix(embeddings):
    embeddings -= embeddings.mean(axis=1, keepdims=True)
    centred = embeddings
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T
