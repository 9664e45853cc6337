"""The axes are computed once and kept for every table of the same width.

Seen in: our own thinking
Caught by: test_pca_of_one_table_after_another
"""

_axes = {}


def simple_pca(X, n_components=2):
    centred = X - X.mean(axis=0)
    width = X.shape[1]
    if width not in _axes or len(_axes[width]) < n_components:
        _axes[width] = np.linalg.svd(centred, full_matrices=False)[2]
    return centred @ _axes[width][:n_components].T
