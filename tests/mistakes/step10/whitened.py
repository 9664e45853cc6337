"""The components are divided by their deviations, so that all look equally important.

Seen in: the option `whiten` of other libraries, switched on; our own thinking
Caught by: test_pca_is_the_projection_on_the_main_axes,
test_pca_columns_are_centred_uncorrelated_and_ordered
"""


def simple_pca(X, n_components=2):
    centred = X - X.mean(axis=0)
    U, _, _ = np.linalg.svd(centred, full_matrices=False)
    return U[:, :n_components] * np.sqrt(len(X) - 1)
