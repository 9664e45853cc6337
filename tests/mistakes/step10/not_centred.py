"""The mean row is not subtracted: the first component is the mean row, and the map shows next to
nothing.

Seen in: our own thinking; the usual slip with SVD
Caught by: test_pca_is_the_projection_on_the_main_axes,
test_pca_columns_are_centred_uncorrelated_and_ordered,
    test_pca_does_not_see_what_all_rows_share
"""


def simple_pca(X, n_components=2):
    centred = X
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    return centred @ Vt[:n_components].T
