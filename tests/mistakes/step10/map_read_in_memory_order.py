"""The numbers are read in the order of the memory, which is that of the columns in Fortran order.

Seen in: our own thinking
Caught by: test_pca_does_not_see_the_layout
"""


def simple_pca(X, n_components=2):
    X = X.ravel(order="K").reshape(X.shape)
    centred = X - X.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:n_components].T
