"""Criteria of step 10: the similarity of the rows of a table, and their principal components."""

from itertools import product

import numpy as np
import torch

from kata.criteria.questions import asks
from kata.criteria.rules import (
    SINGLE_OR_DOUBLE,
    TESTIMONY,
    Criterion,
    Rule,
    Values,
    close,
    rule,
)

SIMILARITY_SHAPES = [(4, 9), (11, 6), (3, 40), (11, 32), (7, 7), (2, 2)]

MANY = [(26, 100), (300, 26)]
"""More rows than columns, and the reverse, in the size of larger tables."""

EDGES = [(shape, n) for shape in [(4, 9), (11, 6), (7, 7), (2, 5)] for n in (1, min(shape))]
"""Shapes of tables, with the smallest and the greatest number of components."""

SIZES = (1e-9, 1e6)
"""Factors of tables, from nearly nothing to huge."""

LAYOUTS = ("Fortran order", "a part of a larger table", "every second column", "read only")

PCA_CASES = list(product([(4, 9), (5, 40), (7, 7), (11, 6), (12, 3)], (1, 2, 3)))
"""Shape of the table, and number of components."""

THREE_COMPONENT_SHAPES = [(5, 40), (11, 6)]

COMMON_ROWS = (100.0, -40.0, 1e6)
"""Multiples of one row that is added to all rows."""

FLOAT32_SHAPE = (11, 32)


def table(g, rows=11, columns=6):
    """Draw a table whose rows and columns differ in mean and variance, far from 0."""
    rng = np.random.default_rng(int(torch.randint(2**31, (), generator=g)))
    lengths, means = rng.uniform(0.5, 4, (rows, 1)), rng.uniform(-9, 9, (rows, 1))
    spreads = 3.0 ** -np.arange(columns) + 0.05
    return lengths * rng.normal(size=(rows, columns)) * spreads + means + rng.uniform(5, 9, columns)


def rows_by_hand():
    """Return three rows: a row, twice that row plus 5, and 10 minus that row."""
    row = np.array([1.0, 2.0, 4.0, 9.0])
    return np.stack([row, 2 * row + 5, 10 - row])


def stretched_and_shifted(X):
    """Multiply the five rows of a table by factors, and add a number to each."""
    return np.array([[3.0], [0.2], [1.0], [10.0], [0.7]]) * X + np.arange(5.0)[:, None]


def with_a_common_row(X, multiple):
    """Add a multiple of one row to all rows of a table."""
    return X + multiple * np.arange(1, 1 + X.shape[1])


def laid_out(X, layout):
    """Return the numbers of a table in another layout of the memory."""
    R, D = X.shape
    larger = np.full((R + 4, 2 * D), 7.0)
    if layout == "Fortran order":
        return np.asfortranarray(X)
    if layout == "a part of a larger table":
        larger[2:-2, 1 : D + 1] = X
        return larger[2:-2, 1 : D + 1]
    if layout == "every second column":
        larger[2:-2, ::2] = X
        return larger[2:-2, ::2]
    fixed = X.copy()
    fixed.flags.writeable = False
    return fixed


def far_away(X):
    """Add another number, about a million, to each row of a table."""
    return X + 1e6 * np.arange(1, 1 + len(X))[:, None]


def array(result):
    """Return a result if it is a NumPy array; else raise TypeError."""
    if not isinstance(result, np.ndarray):
        raise TypeError(f"expected a NumPy array, got {type(result).__name__}")
    return result


@asks("similarity_matrix")
def similarity_is_the_correlation_of_the_rows(step, g):
    return {
        str(shape): array(step.similarity_matrix(table(g, *shape))) for shape in SIMILARITY_SHAPES
    }


def judged(rule: Rule) -> Criterion:
    """Return the criterion of arrays in single or double precision."""
    return Criterion(rule, dtypes=SINGLE_OR_DOUBLE)


VALUES, SINGLE = close(1e-9, dtype=False), close(1e-4, dtype=False)


rule(similarity_is_the_correlation_of_the_rows, judged(VALUES))


@asks("similarity_matrix")
def similarity_by_hand(step, g):
    return {"S": array(step.similarity_matrix(rows_by_hand()))}


rule(similarity_by_hand, judged(VALUES).told)


@asks("similarity_matrix")
def similarity_does_not_see_shift_and_length_of_a_row(step, g):
    return {"S": array(step.similarity_matrix(stretched_and_shifted(table(g, 5, 8))))}


rule(similarity_does_not_see_shift_and_length_of_a_row, judged(VALUES))


@asks("similarity_matrix")
def similarity_of_float32(step, g):
    return {"S": array(step.similarity_matrix(table(g, *FLOAT32_SHAPE).astype(np.float32)))}


rule(similarity_of_float32, judged(SINGLE))


@asks("similarity_matrix")
def similarity_of_many_rows(step, g):
    return {str(shape): array(step.similarity_matrix(table(g, *shape))) for shape in MANY}


rule(similarity_of_many_rows, judged(VALUES))


@asks("similarity_matrix")
def similarity_does_not_see_how_large_or_far_a_table_is(step, g):
    X = table(g)
    sizes = {f"{size}": array(step.similarity_matrix(size * X)) for size in SIZES}
    return sizes | {"far": array(step.similarity_matrix(far_away(X)))}


rule(similarity_does_not_see_how_large_or_far_a_table_is, judged(close(1e-7, dtype=False)))


@asks("similarity_matrix")
def similarity_does_not_see_the_layout(step, g):
    X = table(g)
    return {name: array(step.similarity_matrix(laid_out(X, name))) for name in LAYOUTS}


rule(similarity_does_not_see_the_layout, judged(VALUES))


@asks("similarity_matrix")
def similarity_changes_no_input(step, g):
    X, single = table(g), table(g).astype(np.float32)
    step.similarity_matrix(X)
    step.similarity_matrix(single)
    return {"X": X, "float32": single}


rule(similarity_changes_no_input, TESTIMONY)


@asks("simple_pca")
def pca_is_the_projection_on_the_main_axes(step, g):
    answers = {}
    for shape, n in PCA_CASES:
        answers[f"{shape}, {n} components"] = array(step.simple_pca(table(g, *shape), n))
    return answers


def up_to_signs(tolerance: float) -> Rule:
    """Return the rule that the columns of two answers are the same up to their signs."""
    near = close(tolerance, dtype=False)

    def same(a: Values, b: Values) -> bool:
        turned = {
            n: b[n].double() * torch.where((a[n] * b[n]).sum(0) < 0, -1.0, 1.0).double() for n in b
        }
        return near(a, turned)

    return same


rule(pca_is_the_projection_on_the_main_axes, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_of_many_rows(step, g):
    return {str(shape): array(step.simple_pca(table(g, *shape), 3)) for shape in MANY}


rule(pca_of_many_rows, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_gives_one_component_or_all(step, g):
    return {f"{shape}, {n}": array(step.simple_pca(table(g, *shape), n)) for shape, n in EDGES}


rule(pca_gives_one_component_or_all, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_is_as_large_as_the_table(step, g):
    X = table(g)
    return {f"{size}": array(step.simple_pca(size * X)) / size for size in SIZES}


rule(pca_is_as_large_as_the_table, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_does_not_see_the_layout(step, g):
    X = table(g)
    return {name: array(step.simple_pca(laid_out(X, name))) for name in LAYOUTS}


rule(pca_does_not_see_the_layout, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_of_one_table_after_another(step, g):
    tables = [table(g), table(g), 2 * table(g)]
    return {f"table {i}": array(step.simple_pca(X)) for i, X in enumerate(tables)}


rule(pca_of_one_table_after_another, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_has_two_components_by_default(step, g):
    return {"map": array(step.simple_pca(table(g)))}


rule(pca_has_two_components_by_default, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_columns_are_centred_uncorrelated_and_ordered(step, g):
    answers = {}
    for shape in THREE_COMPONENT_SHAPES:
        components = array(step.simple_pca(table(g, *shape), 3))
        answers[f"{shape}: means"] = np.abs(components.mean(axis=0))
        answers[f"{shape}: products"] = np.abs(components.T @ components)
    return answers


rule(pca_columns_are_centred_uncorrelated_and_ordered, judged(VALUES))


@asks("simple_pca")
def pca_does_not_see_what_all_rows_share(step, g):
    X = table(g)
    return {str(by): array(step.simple_pca(with_a_common_row(X, by))) for by in COMMON_ROWS}


rule(pca_does_not_see_what_all_rows_share, judged(up_to_signs(1e-06)))


@asks("simple_pca")
def pca_changes_no_input(step, g):
    X, single = table(g), table(g).astype(np.float32)
    step.simple_pca(X)
    step.simple_pca(single)
    return {"X": X, "float32": single}


rule(pca_changes_no_input, TESTIMONY)


@asks("simple_pca")
def pca_of_float32(step, g):
    X = table(g, *FLOAT32_SHAPE).astype(np.float32)
    return {"map": array(step.simple_pca(X, n_components=2))}


rule(pca_of_float32, judged(up_to_signs(0.001)))
