"""The table is decomposed the other way round: the components of the features over the classes.

Seen in: our own thinking; X.T for X
Caught by: test_pca_is_the_projection_on_the_main_axes,
test_pca_columns_are_centred_uncorrelated_and_ordered
"""


def simple_pca(X, n_components=2):
    centred = (X - X.mean(axis=0)).T
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    return centred @ Vt[:n_components].T
