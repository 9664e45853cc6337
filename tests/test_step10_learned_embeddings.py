"""Step 10: what the class table learned."""

import itertools

import numpy as np
import pytest
from hypothesis import given

from kata.testing.assertions import check_close, check_that, unchanged
from kata.testing.bounds import SEEDS


def table(seed, rows=11, columns=6):
    """Rows of different means and lengths, columns of different means and spreads, far from 0."""
    rng = np.random.default_rng(seed)
    lengths, means = rng.uniform(0.5, 4, (rows, 1)), rng.uniform(-9, 9, (rows, 1))
    spreads = 3.0 ** -np.arange(columns) + 0.05
    return lengths * rng.normal(size=(rows, columns)) * spreads + means + rng.uniform(5, 9, columns)


def by_eigenvectors(X, n_components):
    """The projections by another road: on the eigenvectors of the covariance of the columns."""
    centred = X - X.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return centred @ axes[:, ::-1][:, :n_components]


def check_pca(actual, expected, **words):
    """Hold projections against expected ones, the sign of each component free."""
    if isinstance(actual, np.ndarray) and actual.shape == expected.shape:
        expected = expected * np.where((actual * expected).sum(axis=0) < 0, -1.0, 1.0)
    check_close(actual, expected, **words)


@given(seed=SEEDS)
def test_similarity_is_the_correlation_of_the_rows(step, seed):
    """Entry [i, j] is the correlation of rows i and j, as NumPy's corrcoef has it."""
    for rows, columns in [(4, 9), (11, 6), (3, 40), (11, 32), (7, 7)]:
        X = table(seed, rows, columns)
        check_close(
            step.similarity_matrix(X),
            np.corrcoef(X),
            called=f"similarity_matrix on an array of shape {X.shape}",
            must="entry [i, j] is the correlation of rows i and j: each row minus its own mean, divided by its length",
            hint="centre each row over its features, scale it to length 1, then take all dot products",
            tolerance=1e-9,
        )


def test_similarity_by_hand(step):
    """Three rows: the second is the first doubled and shifted, the third the first turned round."""
    X = np.array([[1.0, 2.0, 4.0, 9.0], [7.0, 9.0, 13.0, 23.0], [9.0, 8.0, 6.0, 1.0]])
    check_close(
        step.similarity_matrix(X),
        np.array([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]),
        called="similarity_matrix on rows r, 2 r + 5 and 10 - r",
        must="a correlation sees neither shift nor length: 1 with the second row, -1 with the third",
        hint="take off each row's mean and divide by its length; keep the sign",
        tolerance=1e-9,
    )


@given(seed=SEEDS)
def test_similarity_does_not_see_shift_and_length_of_a_row(step, seed):
    """Adding a number to a row, or making it longer, changes nothing."""
    X = table(seed, 5, 8)
    moved = np.array([[3.0], [0.2], [1.0], [10.0], [0.7]]) * X + np.arange(5.0)[:, None]
    check_close(
        step.similarity_matrix(moved),
        np.corrcoef(X),
        called="similarity_matrix on rows that were made longer and shifted",
        must="it is that of the rows as they were before",
        hint="the mean that is taken off is each row's own",
        tolerance=1e-9,
    )


def test_similarity_of_float32(step):
    """The weights of a table come as float32; the result is as good as float32 can be."""
    X = table(3, 11, 32)
    check_close(
        step.similarity_matrix(X.astype(np.float32)),
        np.corrcoef(X),
        called="similarity_matrix on a float32 array of shape (11, 32)",
        must="it is what it is in float64, to rounding",
        hint="plain NumPy takes both",
        tolerance=1e-4,
    )


def test_similarity_changes_no_input(step):
    """The table is as it was after its rows were compared."""
    X = table(4)
    with unchanged("similarity_matrix(X)", X=X):
        step.similarity_matrix(X)


@given(seed=SEEDS)
def test_pca_is_the_projection_on_the_main_axes(step, seed):
    """The projections of the centred rows on the eigenvectors of their covariance, up to the sign of each."""
    for (rows, columns), n in itertools.product(
        [(4, 9), (5, 40), (7, 7), (11, 6), (12, 3)], (1, 2, 3)
    ):
        X = table(seed, rows, columns)
        check_pca(
            step.simple_pca(X, n),
            by_eigenvectors(X, n),
            called=f"simple_pca on an array of shape {X.shape} with n_components={n}",
            must="the rows minus the mean row, projected on the axes of largest variance, up to signs",
            hint="with U S Vᵀ of the centred rows, the map is U S, which is the centred rows times V",
            tolerance=1e-6,
        )


@given(seed=SEEDS)
def test_pca_has_two_components_by_default(step, seed):
    """Without n_components there are two."""
    X = table(seed)
    check_pca(
        step.simple_pca(X),
        by_eigenvectors(X, 2),
        called="simple_pca(X) on an array of shape (11, 6)",
        must="n_components=2 by default, so it is the first two components",
        hint="the default stands in the signature",
        tolerance=1e-6,
    )


@pytest.mark.parametrize(("rows", "columns"), [(5, 40), (11, 6)])
def test_pca_columns_are_centred_uncorrelated_and_ordered(step, rows, columns):
    """Over the rows, each component has mean 0, no two are correlated, and the variances are the largest, in order."""
    X = table(1, rows, columns)
    result = step.simple_pca(X, 3)
    called = f"simple_pca on an array of shape {X.shape} with n_components=3"
    check_that(
        isinstance(result, np.ndarray) and result.shape == (rows, 3),
        called=called,
        got=f"returned {type(result).__name__} of shape {getattr(result, 'shape', None)}",
        must=f"it is a NumPy array of shape ({rows}, 3): a line for every row of X",
    )
    check_close(
        result.mean(axis=0),
        np.zeros(3),
        called=f"{called}, and took the mean of each component",
        must="it is 0: the mean row is taken off first",
        hint="X - X.mean(axis=0), before the decomposition",
    )
    check_close(
        result.T @ result / rows,
        np.diag(np.sort(np.linalg.eigvalsh(np.cov(X.T, bias=True)))[:-4:-1]),
        called=f"{called}, and took the covariance of the components",
        must="it is diagonal, with the three largest eigenvalues of the covariance of X, the largest first",
        hint="take the components in the order of the singular values, and do not scale them to one width",
    )


@pytest.mark.parametrize("offset", [100.0, -40.0])
def test_pca_does_not_see_what_all_rows_share(step, offset):
    """Adding one and the same row to all rows moves nothing on the map."""
    X = table(2)
    check_pca(
        step.simple_pca(X + offset * np.arange(1, 7)),
        by_eigenvectors(X, 2),
        called="simple_pca on rows that all had one common row added",
        must="the map is as before, up to signs: it shows how the rows differ",
        hint="take off the mean row, over the classes, before the decomposition",
        tolerance=1e-6,
    )


def test_pca_changes_no_input(step):
    """The table is as it was after it was projected."""
    X = table(4)
    with unchanged("simple_pca(X)", X=X):
        step.simple_pca(X)


def test_pca_of_float32(step):
    """The weights of a table come as float32; the result is as good as float32 can be."""
    X = table(3, 11, 32)
    check_pca(
        step.simple_pca(X.astype(np.float32), n_components=2),
        by_eigenvectors(X, 2),
        called="simple_pca on a float32 array of shape (11, 32)",
        must="it is what it is in float64, to rounding",
        hint="plain NumPy takes both",
        tolerance=1e-3,
    )
