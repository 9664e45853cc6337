"""Three power iterations find the main axes only roughly.

Seen in: our own thinking
Caught by: test_pca_is_the_projection_on_the_main_axes
"""


def simple_pca(X, n_components=2):
    centred = X - X.mean(axis=0)
    axes = np.eye(X.shape[1])[:, :n_components]
    for _ in range(3):
        axes, _ = np.linalg.qr(centred.T @ (centred @ axes))
    return centred @ axes
