"""The features are divided by their deviations first: PCA of the correlations, another map.

Seen in: standardising as a habit; our own thinking
Caught by: test_pca_is_the_projection_on_the_main_axes,
test_pca_columns_are_centred_uncorrelated_and_ordered
"""


def simple_pca(X, n_components=2):
    centred = (X - X.mean(axis=0)) / X.std(axis=0)
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    return centred @ Vt[:n_components].T
