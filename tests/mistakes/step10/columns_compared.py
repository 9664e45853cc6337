"""The columns are compared instead of the rows: a map of features, (D, D).

Seen in: np.corrcoef with rowvar=False; our own thinking
Caught by: test_similarity_is_the_correlation_of_the_rows, test_similarity_by_hand
"""


def similarity_matrix(embeddings):
    return np.corrcoef(embeddings, rowvar=False)
