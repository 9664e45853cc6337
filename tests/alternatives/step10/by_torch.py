"""PyTorch inside, NumPy outside; loops instead of broadcasting."""

import torch


def similarity_matrix(embeddings):
    rows = torch.tensor(embeddings)
    rows = [row - row.mean() for row in rows]
    result = np.ones((len(rows), len(rows)))
    for i in range(len(rows)):
        for j in range(i):
            value = (rows[i] @ rows[j]) / (rows[i].norm() * rows[j].norm())
            result[i, j] = result[j, i] = float(value)
    return result


def simple_pca(X, n_components=2):
    rows = torch.tensor(X)
    rows = rows - rows.mean(0)
    V = torch.linalg.svd(rows, full_matrices=False).Vh.mH
    return np.stack([(rows @ V[:, k]).numpy() for k in range(n_components)], axis=1)
