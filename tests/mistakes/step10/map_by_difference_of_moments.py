"""The covariance is the mean product minus the product of the means: far from 0 only rounding is
left.

Seen in: our own thinking
Caught by: test_pca_does_not_see_what_all_rows_share
"""


def simple_pca(X, n_components=2):
    mean = X.mean(axis=0)
    covariance = X.T @ X / len(X) - np.outer(mean, mean)
    _, axes = np.linalg.eigh(covariance)
    return (X - mean) @ axes[:, ::-1][:, :n_components]
