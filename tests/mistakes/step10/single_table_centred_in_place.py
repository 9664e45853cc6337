"""astype with copy=False makes no copy of a float32 array, so the subtraction changes the
caller's.

Seen in: our own thinking
Caught by: test_pca_changes_no_input
"""


def simple_pca(X, n_components=2):
    if X.dtype == np.float32:
        X -= X.mean(axis=0)
    else:
        X = X - X.mean(axis=0)
    _, _, directions = np.linalg.svd(X, full_matrices=False)
    return X @ directions[:n_components].T
