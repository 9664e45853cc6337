"""Step 1: the class embedding."""

from statistics import NormalDist

import pytest
import torch
from hypothesis import given
from torch import nn

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
    """The weight of `.embed`, once it is known to be an nn.Embedding of the right shape."""
    called = f"ClassEmbedding({num_classes}, {embed_dim}).embed"
    table = getattr(module, "embed", None)
    check_that(
        isinstance(table, nn.Embedding),
        called=called,
        got=f"gave {type(table).__name__}",
        must="`.embed` is an nn.Embedding",
        hint="make the table in __init__ and keep it as self.embed",
    )
    check_tensor(
        table.weight,
        (num_classes + 1, embed_dim),
        called=f"{called}.weight",
        must=f"{num_classes} classes and the null class have a row of {embed_dim} numbers each",
        hint="how many labels are there, the null class included?",
    )
    return table.weight


def filled(step, num_classes=7, embed_dim=5, seed=0):
    """A ClassEmbedding whose table was replaced by known numbers, and these numbers."""
    module = step.ClassEmbedding(num_classes, embed_dim)
    numbers = 3 * torch.randn(num_classes + 1, embed_dim, generator=generator(seed))
    with torch.no_grad():
        table_of(module, num_classes, embed_dim).copy_(numbers)
    return module, numbers


@pytest.mark.parametrize(("num_classes", "embed_dim"), [(3, 5), (7, 8), (10, 16), (1, 4)])
def test_table_has_a_row_a_class_and_one_for_any(step, num_classes, embed_dim):
    """`.embed` is an nn.Embedding of K + 1 rows of D numbers, whatever K and D are."""
    module = step.ClassEmbedding(num_classes, embed_dim)
    table_of(module, num_classes, embed_dim)


@pytest.mark.parametrize("num_classes", [3, 7, 10])
def test_null_class_is_the_index_of_the_last_row(step, num_classes):
    """`.num_classes` counts the real classes, and `.null_class` is the next index."""
    module = step.ClassEmbedding(num_classes=num_classes, embed_dim=4)
    for name in ("num_classes", "null_class"):
        value = getattr(module, name, None)
        check_that(
            is_number(value) and value == num_classes,
            called=f"ClassEmbedding({num_classes}, 4).{name}",
            got=f"gave {described(value)}",
            must=f"it is {num_classes}: the classes are 0 to {num_classes - 1}, and null comes after them",
            hint="both are K: one as a count, one as an index",
        )


def test_table_is_all_there_is(step):
    """The table is the only parameter, it is trained, and it is the only entry of the state_dict."""
    module = step.ClassEmbedding(7, 5)
    parameters = {name: p.requires_grad for name, p in module.named_parameters()}
    check_that(
        list(parameters) == ["embed.weight"],
        called="ClassEmbedding(7, 5).named_parameters()",
        got=f"gave {list(parameters)}",
        must="the table, embed.weight, is the only parameter",
        hint="a table that an optimiser shall find is an nn.Embedding kept as self.embed",
    )
    check_that(
        all(parameters.values()),
        called="ClassEmbedding(7, 5).embed.weight.requires_grad",
        got="gave False",
        must="the table is learned",
        hint="do not freeze it: some ways of making an nn.Embedding do so unless told otherwise",
    )
    check_that(
        list(module.state_dict()) == ["embed.weight"],
        called="ClassEmbedding(7, 5).state_dict()",
        got=f"gave the entries {list(module.state_dict())}",
        must="a checkpoint holds the table, embed.weight, and nothing else",
        hint="plain numbers need no buffer",
    )


def test_every_row_is_drawn_from_the_same_small_gaussian(step):
    """Each row, that of the null class too, starts as N(0, 0.02): mean 0, standard deviation 0.02."""
    fresh_seed()
    rows = table_of(step.ClassEmbedding(3, 16384), 3, 16384).detach()
    for share in (0.025, 0.25, 0.5, 0.75, 0.975):
        limit = NormalDist(0, 0.02).inv_cdf(share)
        low, high = binomial_bounds(16384, share, FALSE_ALARM / 20)
        for label, row in enumerate(rows):
            below = int((row < limit).sum())
            check_that(
                low <= below <= high,
                called="ClassEmbedding(3, 16384) and looked at its table",
                got=f"starts with {below / 16384:.1%} of row {label} below {limit:.4f}; "
                f"the row's mean is {float(row.mean()):.4f}, its standard deviation {float(row.std()):.4f}",
                must=f"a row of N(0, 0.02) has about {share:.1%} of its numbers there",
                hint="torch.nn.init draws in place; mind which of its arguments is the standard deviation",
            )


def test_every_table_and_every_row_is_a_draw_of_its_own(step):
    """No two rows are alike at the start, and no two tables."""
    tables = [table_of(step.ClassEmbedding(7, 5), 7, 5).detach() for _ in range(2)]
    rows = torch.cat(tables)
    same = [(i, j) for i in range(16) for j in range(i) if torch.equal(rows[i], rows[j])]
    check_that(
        not same,
        called="ClassEmbedding(7, 5), twice",
        got="made two rows that are alike, within a table or in the two",
        must="each of the 16 rows is drawn by itself: classes that start alike look alike",
        hint="draw the whole table at once, and set no seed",
    )


@pytest.mark.parametrize("batch", [1, 4, 5, 8, 13])
@given(seed=SEEDS)
def test_each_label_gets_its_row(step, batch, seed):
    """Row i of the result is the table's row y[i], for mixed labels and any size of batch."""
    module, numbers = filled(step, 7, 5, seed)
    y = torch.randint(0, 8, (batch,), generator=generator(seed))
    check_close(
        module(y),
        numbers[y],
        called=f"forward(y) with y = {y.tolist()}, K = 7 and D = 5",
        must="row i of the result is row y[i] of the table, as it stands there",
        hint="one look-up of the whole batch; nothing is scaled, averaged or squeezed",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("num_classes", [3, 7, 10])
def test_every_label_from_zero_to_null_has_a_row_of_its_own(step, num_classes):
    """The labels 0 to K give the table from its first row to its last, the null class being the last."""
    module, numbers = filled(step, num_classes, 6)
    check_close(
        module(torch.arange(num_classes + 1)),
        numbers,
        called=f"forward(y) with all labels 0 to {num_classes}, of which {num_classes} is the null class",
        must="the null class is an ordinary row, the last; no real class is its stand-in",
        hint="look up the label as it is",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_dropped(step, training):
    """Train and eval mode give the same rows: label dropout comes in step 4, and outside of the table."""
    module, numbers = filled(step, 10, 6)
    module.train(training)
    y = torch.arange(400) % 10
    check_close(
        module(y),
        numbers[y],
        called=f"forward(y) on 400 labels in {'train' if training else 'eval'} mode",
        must="each label gives its row, in both modes",
        hint="no dropout here, neither of labels nor of numbers",
        tolerance=1e-6,
    )


def test_a_look_up_changes_nothing(step):
    """The labels and the table are after the look-up what they were before it."""
    module, _ = filled(step)
    y = torch.tensor([2, 7, 0, 2])
    with unchanged("forward(y)", y=y, table=module.embed.weight):
        module(y)


def test_gradients_reach_the_rows_that_were_looked_up(step):
    """A row's gradient is the sum over the samples that looked it up, the null row's too; others get none."""
    module, _ = filled(step)
    y = torch.tensor([2, 7, 0, 2, 7, 2])
    weights = torch.randn(6, 5, generator=generator(1))
    rows = module(y)
    check_that(
        isinstance(rows, torch.Tensor) and rows.requires_grad,
        called="forward(y)",
        got="returned something without a gradient",
        must="the table is learned through its look-ups",
        hint="no detach(), no torch.no_grad(), no frozen table",
    )
    (gradient,) = torch.autograd.grad((rows * weights).sum(), module.embed.weight)
    expected = torch.zeros(8, 5).index_add(0, y, weights)
    check_close(
        gradient.to_dense(),
        expected,
        called="forward(y) with y = [2, 7, 0, 2, 7, 2] of K = 7 and went backward",
        must="rows 0, 2 and 7, the null row, get the gradients of their samples, the others none",
        hint="every row is trained alike; no option of nn.Embedding is needed but the two sizes",
    )


@pytest.mark.parametrize("num_classes", [3, 10])
@pytest.mark.parametrize("beyond", [-100, -2, -1, 1, 2, 100])
def test_labels_out_of_range_are_refused(step, num_classes, beyond):
    """Labels below 0 or above K raise an error, one bad one among good ones too."""
    bad = beyond if beyond < 0 else num_classes + beyond
    module, _ = filled(step, num_classes, 4)
    check_raises(
        LABEL_ERRORS,
        lambda: module(torch.tensor([0, bad, 1])),
        called=f"forward(y) with y = [0, {bad}, 1] and K = {num_classes}",
        must=f"the labels are 0 to {num_classes}; any other is an error, and is not bent into a valid one",
        hint="nn.Embedding refuses such labels by itself; plain indexing takes negative ones",
    )


@pytest.mark.parametrize("values", [[0.0, 2.0, 1.0], [0.5, 1.5, 2.9]])
def test_labels_that_are_not_integers_are_refused(step, values):
    """Labels of a floating dtype raise an error, even if they are whole numbers."""
    module, _ = filled(step)
    check_raises(
        LABEL_ERRORS,
        lambda: module(torch.tensor(values)),
        called=f"forward(y) with y = {values}, a float tensor",
        must="labels are integers; a float is an error and is not rounded",
        hint="do not convert before you have looked at y.dtype; nn.Embedding refuses floats by itself",
    )
