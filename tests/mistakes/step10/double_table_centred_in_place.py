"""np.asarray makes no copy of a float64 array, so the subtraction changes the caller's.

Seen in: our own thinking
Caught by: test_pca_changes_no_input
"""


def simple_pca(X, n_components=2):
    X = np.asarray(X, dtype=np.float64)
    X -= X.mean(axis=0)
    _, _, directions = np.linalg.svd(X, full_matrices=False)
    return X @ directions[:n_components].T
