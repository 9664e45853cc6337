"""Each row's own mean is subtracted instead of the mean row.

Seen in: axis=1 for axis=0; our own thinking
Caught by: test_pca_is_the_projection_on_the_main_axes,
test_pca_columns_are_centred_uncorrelated_and_ordered
"""


def simple_pca(X, n_components=2):
    centred = X - X.mean(axis=1, keepdims=True)
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    return centred @ Vt[:n_components].T
