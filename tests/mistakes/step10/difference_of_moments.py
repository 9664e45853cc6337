"""The covariance is the mean product minus the product of the means: far from 0 only rounding is
left.

Seen in: our own thinking
Caught by: test_similarity_does_not_see_how_large_or_far_a_table_is
"""


def similarity_matrix(embeddings):
    means = embeddings.mean(axis=1)
    covariance = embeddings @ embeddings.T / embeddings.shape[1] - np.outer(means, means)
    deviation = np.sqrt(np.diagonal(covariance))
    return covariance / np.outer(deviation, deviation)
