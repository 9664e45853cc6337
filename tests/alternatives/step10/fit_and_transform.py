"""Classes with fit and transform; correlations as cosines of standardised rows."""


class _Standard:
    def __init__(self, rows):
        self.rows = (rows - rows.mean(1)[:, None]) / rows.std(1)[:, None]

    def correlations(self):
        return np.inner(self.rows, self.rows) / self.rows.shape[1]


class _PCA:
    def __init__(self, n_components):
        self.n_components = n_components

    def fit(self, X):
        self.mean = X.mean(0)
        self.axes = np.linalg.svd(X - self.mean)[2][: self.n_components]
        return self

    def transform(self, X):
        return np.stack([[axis @ (row - self.mean) for axis in self.axes] for row in X])


def similarity_matrix(embeddings):
    return _Standard(embeddings).correlations()


def simple_pca(X, n_components=2):
    return _PCA(n_components).fit(X).transform(X)
