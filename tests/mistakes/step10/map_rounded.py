"""The map is rounded to six decimals, which leaves little of a small table.

Seen in: our own thinking
Caught by: test_pca_is_as_large_as_the_table
"""


def simple_pca(X, n_components=2):
    centred = X - X.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.round(centred @ directions[:n_components].T, 6)
