"""Covariances first: the similarity from them, the components as eigenvectors from eigh, signs
reversed.
"""


def similarity_matrix(embeddings):
    covariance = np.cov(embeddings, bias=True)
    spread = np.sqrt(np.diagonal(covariance))
    return np.clip(covariance / np.outer(spread, spread), -1, 1)


def simple_pca(X, n_components=2):
    centred = X.astype(np.float64) - np.mean(X, axis=0)
    _, axes = np.linalg.eigh(np.cov(centred, rowvar=False))
    return -centred.dot(np.flip(axes, axis=1)[:, :n_components])
