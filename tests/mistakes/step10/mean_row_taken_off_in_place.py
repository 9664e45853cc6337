"""The mean row is subtracted in place: the table itself is changed, and with it the model.

Seen in: `X -= X.mean(axis=0)` on .numpy() of a parameter; our own thinking
Caught by: test_pca_changes_no_input
"""


def simple_pca(X, n_components=2):
    X -= X.mean(axis=0)
    centred = X
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    return centred @ Vt[:n_components].T
