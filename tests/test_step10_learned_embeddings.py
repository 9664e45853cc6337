"""Step 10: what the class table learned."""

import numpy as np
import pytest
from hypothesis import given

from kata.criteria.step10 import (
    COMMON_ROWS,
    EDGES,
    FLOAT32_SHAPE,
    LAYOUTS,
    MANY,
    PCA_CASES,
    SIMILARITY_SHAPES,
    SIZES,
    THREE_COMPONENT_SHAPES,
    far_away,
    laid_out,
    rows_by_hand,
    stretched_and_shifted,
    table,
    with_a_common_row,
)
from kata.testing.assertions import check_close, check_that, unchanged
from kata.testing.bounds import SEEDS, generator


def check_pca(actual, X, n_components, **words):
    """Compare projections with those by another method; the sign of each component is free.

    The other method: the eigenvectors of the covariance of the columns.
    """
    centred = X - X.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    expected = centred @ axes[:, ::-1][:, :n_components]
    if isinstance(actual, np.ndarray) and actual.shape == expected.shape:
        expected = expected * np.where((actual * expected).sum(axis=0) < 0, -1.0, 1.0)
    check_close(actual, expected, **words)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_similarity_changes_no_input(step, dtype):
    """The table keeps its values when its rows are compared, in float64 and in float32."""
    X = table(generator(4)).astype(dtype)
    with unchanged(f"similarity_matrix(X) on {dtype}", X=X):
        step.similarity_matrix(X)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pca_changes_no_input(step, dtype):
    """The table keeps its values when it is projected, in float64 and in float32."""
    X = table(generator(4)).astype(dtype)
    with unchanged(f"simple_pca(X) on {dtype}", X=X):
        step.simple_pca(X)


@given(seed=SEEDS)
def test_similarity_is_the_correlation_of_the_rows(step, seed):
    """Entry [i, j] is the correlation of rows i and j, as in NumPy's corrcoef."""
    for shape in SIMILARITY_SHAPES:
        X = table(generator(seed), *shape)
        check_close(
            step.similarity_matrix(X),
            np.corrcoef(X),
            called=f"similarity_matrix on an array of shape {X.shape}",
            must="entry [i, j] is the correlation of rows i and j: each row is centred and divided by its length",
            hint="centre each row over its features, scale it to length 1, then compute all dot products",
            tolerance=1e-9,
        )


def test_similarity_by_hand(step):
    """A row has correlation 1 with twice itself plus 5, and -1 with 10 minus itself."""
    check_close(
        step.similarity_matrix(rows_by_hand()),
        np.array([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]),
        called="similarity_matrix on rows r, 2 r + 5 and 10 - r",
        must="shift and length do not matter: r has similarity 1 with the second row, -1 with the third",
        hint="subtract each row's mean and divide by its length; keep the sign",
        tolerance=1e-9,
    )


@given(seed=SEEDS)
def test_similarity_does_not_see_shift_and_length_of_a_row(step, seed):
    """A row can be shifted by a number, or made longer, without any effect."""
    X = table(generator(seed), 5, 8)
    check_close(
        step.similarity_matrix(stretched_and_shifted(X)),
        np.corrcoef(X),
        called="similarity_matrix on rows that were made longer and shifted",
        must="it is the same as for the original rows",
        hint="subtract from each row its own mean",
        tolerance=1e-9,
    )


@pytest.mark.parametrize("shape", MANY)
def test_similarity_of_many_rows(step, shape):
    """The number of rows and columns does not matter."""
    X = table(generator(5), *shape)
    check_close(
        step.similarity_matrix(X),
        np.corrcoef(X),
        called=f"similarity_matrix on an array of shape {shape}",
        must="entry [i, j] is the correlation of rows i and j, for all rows and over all columns",
        hint="centre each row over its features, scale it to length 1, then compute all dot products",
        tolerance=1e-9,
    )


@pytest.mark.parametrize("size", SIZES)
def test_similarity_does_not_see_how_large_or_far_a_table_is(step, size):
    """Tiny numbers, huge ones, and rows far away from 0 have the same correlations."""
    X = table(generator(6))
    for what, Y in ((f"{size:g} X", size * X), ("X with a million more in each row", far_away(X))):
        check_close(
            step.similarity_matrix(Y),
            np.corrcoef(X),
            called=f"similarity_matrix on {what}",
            must="it is the same as for X",
            hint="subtract the means before anything is squared; add nothing to a length",
            tolerance=1e-7,
        )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_similarity_does_not_see_the_layout(step, layout):
    """How an array lies in memory does not matter."""
    X = table(generator(7))
    check_close(
        step.similarity_matrix(laid_out(X, layout)),
        np.corrcoef(X),
        called=f"similarity_matrix on an array in another layout: {layout}",
        must="it is the same as for any other array of these numbers",
        hint="work with whole arrays and their axes, not with the memory",
        tolerance=1e-9,
    )


@given(seed=SEEDS)
def test_pca_is_the_projection_on_the_main_axes(step, seed):
    """The centred rows are projected on the main eigenvectors of their covariance, up to signs."""
    for shape, n in PCA_CASES:
        X = table(generator(seed), *shape)
        check_pca(
            step.simple_pca(X, n),
            X,
            n,
            called=f"simple_pca on an array of shape {X.shape} with n_components={n}",
            must="the rows minus the mean row, projected on the axes of largest variance, up to signs",
            hint="with U S Vᵀ of the centred rows, the map is U S, which is the centred rows times V",
            tolerance=1e-6,
        )


@pytest.mark.parametrize(("shape", "n"), EDGES)
def test_pca_gives_one_component_or_all(step, shape, n):
    """From 1 to min(R, D) components, for few rows and for many: always (R, n)."""
    X = table(generator(8), *shape)
    check_pca(
        step.simple_pca(X, n),
        X,
        n,
        called=f"simple_pca on an array of shape {shape} with n_components={n}",
        must=f"it is ({shape[0]}, {n}): the first {n} components, even if the last is 0",
        hint="full_matrices=False gives min(R, D) directions; take the first n",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("shape", MANY)
def test_pca_of_many_rows(step, shape):
    """All rows decide the axes, and all are projected."""
    X = table(generator(9), *shape)
    check_pca(
        step.simple_pca(X, 3),
        X,
        3,
        called=f"simple_pca on an array of shape {shape} with n_components=3",
        must="the rows minus the mean row, projected on the axes of largest variance, up to signs",
        hint="one decomposition of all centred rows",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("size", SIZES)
def test_pca_is_as_large_as_the_table(step, size):
    """If all numbers are multiplied, so is the map: nothing is rounded, added or normalised."""
    X = table(generator(10))
    result = step.simple_pca(size * X)
    check_pca(
        result / size if isinstance(result, np.ndarray) else result,
        X,
        2,
        called=f"simple_pca on {size:g} X, and divided the map by {size:g}",
        must="it is the map of X, up to signs",
        hint="U times the singular values, or the centred rows times V, and nothing else",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pca_does_not_see_the_layout(step, layout):
    """How an array lies in memory does not matter."""
    X = table(generator(11))
    check_pca(
        step.simple_pca(laid_out(X, layout)),
        X,
        2,
        called=f"simple_pca on an array in another layout: {layout}",
        must="it is the same as for any other array of these numbers",
        hint="work with whole arrays and their axes, not with the memory",
        tolerance=1e-6,
    )


def test_pca_of_one_table_after_another(step):
    """Each table has axes of its own, whatever was projected before."""
    for i, X in enumerate([table(generator(12)), table(generator(13)), 2 * table(generator(14))]):
        check_pca(
            step.simple_pca(X),
            X,
            2,
            called=f"simple_pca on one table after another, and looked at table {i}",
            must="each map comes from the decomposition of its own table",
            hint="keep nothing between calls",
            tolerance=1e-6,
        )


@given(seed=SEEDS)
def test_pca_has_two_components_by_default(step, seed):
    """Without n_components there are two components."""
    X = table(generator(seed))
    check_pca(
        step.simple_pca(X),
        X,
        2,
        called="simple_pca(X) on an array of shape (11, 6)",
        must="n_components=2 by default, so it is the first two components",
        hint="the default is in the signature",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("shape", THREE_COMPONENT_SHAPES)
def test_pca_columns_are_centred_uncorrelated_and_ordered(step, shape):
    """Components have mean 0, are uncorrelated, and are ordered by variance, largest first."""
    X = table(generator(1), *shape)
    result = step.simple_pca(X, 3)
    called = f"simple_pca on an array of shape {X.shape} with n_components=3"
    check_that(
        isinstance(result, np.ndarray) and result.shape == (len(X), 3),
        called=called,
        got=f"returned {type(result).__name__} of shape {getattr(result, 'shape', None)}",
        must=f"it is a NumPy array of shape ({len(X)}, 3): one row per row of X",
    )
    check_close(
        result.mean(axis=0),
        np.zeros(3),
        called=f"{called}, and computed the mean of each component",
        must="it is 0: the mean row is subtracted first",
        hint="X - X.mean(axis=0), before the decomposition",
    )
    check_close(
        result.T @ result / len(X),
        np.diag(np.sort(np.linalg.eigvalsh(np.cov(X.T, bias=True)))[:-4:-1]),
        called=f"{called}, and computed the covariance of the components",
        must="it is diagonal, with the three largest eigenvalues of the covariance of X, the largest first",
        hint="order the components by their singular values, and do not scale them to equal variance",
    )


@pytest.mark.parametrize("multiple", COMMON_ROWS)
def test_pca_does_not_see_what_all_rows_share(step, multiple):
    """If the same row is added to all rows, the map stays the same."""
    X = table(generator(2))
    check_pca(
        step.simple_pca(with_a_common_row(X, multiple)),
        X,
        2,
        called="simple_pca on rows to which the same row was added",
        must="the map stays the same, up to signs: it shows how the rows differ",
        hint="subtract the mean row, over the classes, before the decomposition",
        tolerance=1e-6,
    )


def test_similarity_of_float32(step):
    """The weights of a table are float32; the result is as accurate as float32 allows."""
    X = table(generator(3), *FLOAT32_SHAPE)
    check_close(
        step.similarity_matrix(X.astype(np.float32)),
        np.corrcoef(X),
        called=f"similarity_matrix on a float32 array of shape {FLOAT32_SHAPE}",
        must="it is the same as in float64, up to rounding",
        hint="plain NumPy takes both",
        tolerance=1e-4,
    )


def test_pca_of_float32(step):
    """The weights of a table are float32; the result is as accurate as float32 allows."""
    X = table(generator(3), *FLOAT32_SHAPE)
    check_pca(
        step.simple_pca(X.astype(np.float32), n_components=2),
        X,
        2,
        called=f"simple_pca on a float32 array of shape {FLOAT32_SHAPE}",
        must="it is the same as in float64, up to rounding",
        hint="plain NumPy takes both",
        tolerance=1e-3,
    )
