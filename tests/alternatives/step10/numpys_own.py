"""NumPy's corrcoef, and U times the singular values."""


def similarity_matrix(embeddings):
    return np.corrcoef(embeddings)


def simple_pca(X, n_components=2):
    U, S, _ = np.linalg.svd(X - X.mean(axis=0, keepdims=True), full_matrices=True)
    return U[:, :n_components] * S[:n_components]
