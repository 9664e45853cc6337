"""The axes are computed from the first 100 rows only.

Seen in: our own thinking
Caught by: test_pca_of_many_rows
"""


def simple_pca(X, n_components=2):
    centred = X - X.mean(axis=0)
    _, _, directions = np.linalg.svd(centred[:100], full_matrices=False)
    return centred @ directions[:n_components].T
