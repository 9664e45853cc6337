"""The mean of the whole table is subtracted instead of the mean row.

Seen in: X.mean() without an axis; our own thinking
Caught by: test_pca_is_the_projection_on_the_main_axes,
test_pca_columns_are_centred_uncorrelated_and_ordered,
    test_pca_does_not_see_what_all_rows_share
"""


def simple_pca(X, n_components=2):
    centred = X - X.mean()
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    return centred @ Vt[:n_components].T
