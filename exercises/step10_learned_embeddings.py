"""Step 10. What the class table learned

The idea
    Before training, the eleven rows of the class table are noise, and no two have anything to do
    with each other. No part of the loss mentions distances between classes. Whatever structure they
    show afterwards is there because it helped to draw digits. Two pictures make it visible: how
    alike the rows are, and a map of them in two dimensions.

The formulas
    similarity (correlation of rows i and j, in [-1, 1]):
        S_ij = Σ_d (e_id - ē_i)(e_jd - ē_j)  /  √( Σ_d (e_id - ē_i)² · Σ_d (e_jd - ē_j)² )
        ē_i  = mean of row i

    principal components by singular values:
        X_c = X - mean of the rows,    X_c = U S Vᵀ,    map = X_c V[:, :2] = U[:, :2] S[:2]

    Mind the two means. A correlation subtracts each row's own mean, over its features. PCA
    subtracts the mean row, over the classes.

Shapes
    embeddings, X      (K + 1, D)     NumPy, the table's weights
    S                  (K + 1, K + 1)
    map                (K + 1, 2)

What to look for
    - Digits that are drawn alike, 3 and 8, 4 and 9, may have come closer. The tables are small and
      the pull is weak: do not expect neat clusters.
    - The null row should stand apart from the digits and rather in the middle: it stands for all of
      them.
    - The signs of the components mean nothing. U and V can flip together, so two correct programs
      may draw mirrored maps.

Where it leads: from a digit to a prompt
    Replace the table by a text encoder, and the label 7 by "a handwritten seven, thick pen". Then
    h_y comes from words, and classes that nobody listed have an embedding too. Replace the sum by
    cross-attention, and each patch can listen to the word that concerns it. The null class becomes
    the empty prompt. Training, label dropout, guidance and sampling stay what they are in these ten
    steps.

What goes wrong in practice
    - Dot products instead of correlations: the picture then shows how long the rows are.
    - No centring before the SVD: the first component is the mean row, and the map shows next to
      nothing.
    - U without S: every direction is stretched to the same width, and noise looks as important as
      structure.
    - V instead of the projection: one gets a map of the features, not of the classes.
"""

import numpy as np


def similarity_matrix(embeddings: np.ndarray) -> np.ndarray:
    """Return the correlation of every row with every other, as `np.corrcoef` defines it.

    embeddings: `(R, D)`, at least two rows, none of them constant

    Returns `(R, R)`, symmetric, in [-1, 1] to rounding, with ones on the diagonal. Does not change
    its input.
    """
    raise NotImplementedError("step 10: similarity_matrix")


def simple_pca(X: np.ndarray, n_components: int = 2) -> np.ndarray:
    """Return the rows of X on their first principal components.

    X: `(R, D)`
    n_components: 1 .. min(R, D)

    The components come from the singular value decomposition of the centred rows. Returns
    `(R, n_components)`, not whitened, the component of largest variance first; the sign of each
    component is free. Does not change its input.
    """
    raise NotImplementedError("step 10: simple_pca")
