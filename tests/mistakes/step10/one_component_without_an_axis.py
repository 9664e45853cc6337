"""squeeze() takes away the axis of a single component.

Seen in: our own thinking
Caught by: test_pca_gives_one_component_or_all
"""


def simple_pca(X, n_components=2):
    centred = X - X.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return (centred @ directions[:n_components].T).squeeze()
