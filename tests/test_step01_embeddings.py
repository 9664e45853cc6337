"""Step 1: the class embedding."""

from statistics import NormalDist

import pytest
import torch
from hypothesis import given
from torch import nn

from kata.criteria.questions import CLASS_COUNTS
from kata.criteria.step01 import (
    LABEL_COUNTS,
    LOOKED_UP,
    NOT_INTEGERS,
    OUT_OF_RANGE,
    TABLE_SIZES,
    WIDE,
    mixed_labels,
    table_numbers,
    ten_in_turn,
)
from kata.testing.assertions import (
    LABEL_ERRORS,
    check_close,
    check_raises,
    check_tensor,
    check_that,
    described,
    is_number,
    unchanged,
)
from kata.testing.bounds import FALSE_ALARM, SEEDS, binomial_bounds, fresh_seed, generator


def table_of(module, num_classes, embed_dim):
    """Return the weight of `.embed`; fail unless that is an nn.Embedding of the expected shape."""
    called = f"ClassEmbedding({num_classes}, {embed_dim}).embed"
    table = getattr(module, "embed", None)
    check_that(
        isinstance(table, nn.Embedding),
        called=called,
        got=f"is {described(table)}",
        must="`.embed` is an nn.Embedding",
        hint="make the table in __init__ and keep it as self.embed",
    )
    check_tensor(
        table.weight,
        (num_classes + 1, embed_dim),
        called=f"{called}.weight",
        must=f"one row of {embed_dim} numbers for each of the {num_classes} classes "
        "and for the null class",
        hint="how many labels are there, with the null class?",
    )
    return table.weight


def filled(step, rows):
    """Return a ClassEmbedding whose table holds these rows."""
    num_classes, embed_dim = len(rows) - 1, rows.shape[1]
    module = step.ClassEmbedding(num_classes, embed_dim)
    with torch.no_grad():
        table_of(module, num_classes, embed_dim).copy_(rows)
    return module


@pytest.mark.parametrize(("num_classes", "embed_dim"), TABLE_SIZES)
def test_table_has_a_row_a_class_and_one_for_any(step, num_classes, embed_dim):
    """`.embed` is an nn.Embedding of K + 1 rows of D numbers, for any K and D."""
    module = step.ClassEmbedding(num_classes, embed_dim)
    table_of(module, num_classes, embed_dim)


@pytest.mark.parametrize("num_classes", CLASS_COUNTS)
def test_null_class_is_the_index_of_the_last_row(step, num_classes):
    """`.num_classes` counts the real classes, and `.null_class` is the next index."""
    module = step.ClassEmbedding(num_classes=num_classes, embed_dim=4)
    for name in ("num_classes", "null_class"):
        value = getattr(module, name, None)
        check_that(
            is_number(value) and value == num_classes,
            called=f"ClassEmbedding({num_classes}, 4).{name}",
            got=f"is {described(value)}; expected {num_classes}",
            must=f"the classes are 0 to {num_classes - 1}, and the null class comes after them",
            hint="both are K: one is a count, the other an index",
        )


def test_table_is_all_there_is(step):
    """The table is the only parameter and the only entry of the state_dict, and it is trained."""
    module = step.ClassEmbedding(7, 5)
    parameters = {name: p.requires_grad for name, p in module.named_parameters()}
    check_that(
        list(parameters) == ["embed.weight"],
        called="ClassEmbedding(7, 5).named_parameters()",
        got=f"gave {list(parameters)}",
        must="the table, embed.weight, is the only parameter",
        hint="to let an optimiser find the table, make it an nn.Embedding and keep it as self.embed",
    )
    check_that(
        all(parameters.values()),
        called="ClassEmbedding(7, 5).embed.weight.requires_grad",
        got="is False",
        must="the table is trained",
        hint="do not freeze it: some ways to make an nn.Embedding freeze it by default",
    )
    check_that(
        list(module.state_dict()) == ["embed.weight"],
        called="ClassEmbedding(7, 5).state_dict()",
        got=f"has the entries {list(module.state_dict())}",
        must="a checkpoint holds the table, embed.weight, and nothing else",
        hint="plain numbers need no buffer",
    )


def test_every_row_is_drawn_from_the_same_small_gaussian(step):
    """Every row, also the null row, starts as N(0, 0.02): mean 0, standard deviation 0.02."""
    fresh_seed()
    rows = table_of(step.ClassEmbedding(*WIDE), *WIDE).detach()
    count = rows.shape[1]
    for share in (0.025, 0.25, 0.5, 0.75, 0.975):
        limit = NormalDist(0, 0.02).inv_cdf(share)
        low, high = binomial_bounds(count, share, FALSE_ALARM / 20)
        for label, row in enumerate(rows):
            below = int((row < limit).sum())
            check_that(
                low <= below <= high,
                called=f"ClassEmbedding{WIDE} and looked at its table",
                got=f"starts with {below / count:.1%} of row {label} below {limit:.4f}; this row "
                f"has mean {float(row.mean()):.4f} and standard deviation {float(row.std()):.4f}",
                must=f"about {share:.1%} of a row from N(0, 0.02) is below {limit:.4f}",
                hint="torch.nn.init draws in place; which of its arguments is the standard deviation?",
            )


def test_every_table_and_every_row_is_a_draw_of_its_own(step):
    """At the start no two rows are equal, neither in one table nor in two."""
    tables = [table_of(step.ClassEmbedding(7, 5), 7, 5).detach() for _ in range(2)]
    rows = torch.cat(tables)
    same = [(i, j) for i in range(16) for j in range(i) if torch.equal(rows[i], rows[j])]
    check_that(
        not same,
        called="ClassEmbedding(7, 5), twice",
        got="made two equal rows, in one table or across the two",
        must="each of the 16 rows is its own draw: classes that start equal look equal",
        hint="draw the whole table at once, and set no seed",
    )


@pytest.mark.parametrize("batch", LABEL_COUNTS)
@given(seed=SEEDS)
def test_each_label_gets_its_row(step, batch, seed):
    """Row i of the result is row y[i] of the table, for mixed labels and any batch size."""
    g = generator(seed)
    rows, y = table_numbers(g), mixed_labels(g, batch)
    check_close(
        filled(step, rows)(y),
        rows[y],
        called=f"forward(y) with y = {y.tolist()}, K = 7 and D = 5",
        must="row i of the result is row y[i] of the table, unchanged",
        hint="one look-up for the whole batch; do not scale, average or squeeze",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("num_classes", CLASS_COUNTS)
def test_every_label_from_zero_to_null_has_a_row_of_its_own(step, num_classes):
    """The labels 0 to K give the table from its first row to its last, which is the null row."""
    rows = table_numbers(generator(0), num_classes, 6)
    check_close(
        filled(step, rows)(torch.arange(num_classes + 1)),
        rows,
        called=f"forward(y) with all labels 0 to {num_classes}, of which {num_classes} is the null class",
        must="the null class has an ordinary row, the last; no real class replaces it",
        hint="look up the label as it is",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_dropped(step, training):
    """Train and eval mode give the same rows: label dropout comes in step 4, outside the table."""
    rows, y = table_numbers(generator(0), 10, 6), ten_in_turn()
    check_close(
        filled(step, rows).train(training)(y),
        rows[y],
        called=f"forward(y) on {len(y):,} labels in {'train' if training else 'eval'} mode",
        must="each label gives its row, in both modes",
        hint="no dropout here, neither of labels nor of numbers",
        tolerance=1e-6,
    )


def test_a_look_up_changes_nothing(step):
    """A look-up changes neither the labels nor the table."""
    module, y = filled(step, table_numbers(generator(0))), torch.tensor(LOOKED_UP)
    with unchanged("forward(y)", y=y, table=module.embed.weight):
        module(y)


def test_gradients_reach_the_rows_that_were_looked_up(step):
    """A row's gradient is the sum over the samples that looked it up, also for the null row."""
    g = generator(0)
    module, y = filled(step, table_numbers(g)), torch.tensor(LOOKED_UP)
    weights = torch.randn(6, 5, generator=g)
    rows = module(y)
    check_that(
        isinstance(rows, torch.Tensor) and rows.requires_grad,
        called="forward(y)",
        got="returned something without a gradient",
        must="the table learns through its look-ups",
        hint="no detach(), no torch.no_grad(), no frozen table",
    )
    (gradient,) = torch.autograd.grad((rows * weights).sum(), module.embed.weight)
    expected = torch.zeros(8, 5).index_add(0, y, weights)
    check_close(
        gradient.to_dense(),
        expected,
        called=f"forward(y) with y = {list(LOOKED_UP)} and K = 7, and took the gradient of the table",
        must="rows 0, 2 and 7, the null row, get the gradients of their samples; other rows get 0",
        hint="all rows train in the same way; nn.Embedding needs its two sizes and no option",
    )


@pytest.mark.parametrize(
    ("num_classes", "bad"), [(n, bad) for n, labels in OUT_OF_RANGE.items() for bad in labels]
)
def test_labels_out_of_range_are_refused(step, num_classes, bad):
    """A label below 0 or above K raises an error, also if the other labels are good."""
    module = filled(step, table_numbers(generator(0), num_classes, 4))
    check_raises(
        LABEL_ERRORS,
        lambda: module(torch.tensor([0, bad, 1])),
        called=f"forward(y) with y = [0, {bad}, 1] and K = {num_classes}",
        must=f"the labels are 0 to {num_classes}; any other label raises an error "
        "and is not turned into a valid one",
        hint="nn.Embedding refuses such labels by itself; plain indexing accepts negative ones",
    )


@pytest.mark.parametrize("labels", NOT_INTEGERS)
def test_labels_that_are_not_integers_are_refused(step, labels):
    """Labels of a floating dtype raise an error, even if they are whole numbers."""
    module = filled(step, table_numbers(generator(0)))
    check_raises(
        LABEL_ERRORS,
        lambda: module(torch.tensor(labels)),
        called=f"forward(y) with y = {labels}, a float tensor",
        must="labels are integers; a float raises an error and is not rounded",
        hint="look at y.dtype before you convert anything; nn.Embedding refuses floats by itself",
    )
