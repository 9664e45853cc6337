"""Verbose and careful: conversions, checks with sentences, a keyword extra."""


def similarity_matrix(embeddings):
    """Compute the Pearson correlation between all pairs of rows."""
    data = np.array(embeddings, dtype=np.float64, copy=True)
    if data.ndim != 2:
        raise ValueError(f"Expected a 2-dimensional array, but got {data.ndim} dimensions.")
    row_means = np.mean(data, axis=1, keepdims=True)
    centered = data - row_means
    covariance = np.einsum("id,jd->ij", centered, centered)
    row_norms = np.sqrt(np.diag(covariance))
    similarity = covariance / (row_norms[:, None] * row_norms[None, :])
    similarity = np.clip(similarity, -1.0, 1.0)
    np.fill_diagonal(similarity, 1.0)
    return similarity


def simple_pca(X, n_components=2, *, return_explained_variance=False):
    """Project the rows onto the leading principal components."""
    data = np.array(X, dtype=np.float64, copy=True)
    if data.ndim != 2:
        raise ValueError(f"Expected a 2-dimensional array, but got {data.ndim} dimensions.")
    max_components = min(data.shape)
    if not 1 <= n_components <= max_components:
        raise ValueError(f"n_components must be in [1, {max_components}], but got {n_components}.")
    centered = data - np.mean(data, axis=0, keepdims=True)
    _, singular_values, components = np.linalg.svd(centered, full_matrices=False)
    projected = np.matmul(centered, components[:n_components].T)
    if return_explained_variance:
        return projected, singular_values[:n_components] ** 2 / len(data)
    return projected
