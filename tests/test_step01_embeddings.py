"""Step 1: the class embedding."""

from statistics import NormalDist

import pytest
import torch
from hypothesis import given
from torch import nn

from kata.criteria.step01 import (
    COUNTS,
    DTYPES,
    LABEL_COUNTS,
    LABEL_DTYPES,
    LOOKED_UP,
    MEDIAN_OF_SQUARES,
    NEW_ROWS,
    NOT_INTEGERS,
    OUT_OF_RANGE,
    SHARES,
    SMALL_TABLES,
    STATES,
    TABLE_SIZES,
    WIDE,
    in_state,
    mixed_labels,
    quietly,
    sums,
    table_numbers,
    ten_in_turn,
)
from kata.testing.assertions import (
    LABEL_ERRORS,
    check_close,
    check_count,
    check_raises,
    check_tensor,
    check_that,
    described,
    is_number,
)
from kata.testing.bounds import FALSE_ALARM, SEEDS, binomial_bounds, fresh_seed, generator
from kata.testing.devices import fault_elsewhere, moved
from kata.testing.guard import guarded


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


@pytest.mark.parametrize(("training", "recorded", "trained"), STATES)
def test_a_look_up_changes_nothing(step, training, recorded, trained):
    """A look-up changes neither labels nor table, gradient, mode or settings, in any state."""

    @guarded
    def forward(module, y):
        return module(y)

    module = in_state(filled(step, table_numbers(generator(0))), training, trained)
    with torch.set_grad_enabled(recorded):
        forward(module, torch.tensor(LOOKED_UP))


@pytest.mark.parametrize(("num_classes", "embed_dim"), TABLE_SIZES)
def test_table_has_a_row_a_class_and_one_for_any(step, num_classes, embed_dim):
    """`.embed` is an nn.Embedding of K + 1 rows of D numbers, for any K and D."""
    module = step.ClassEmbedding(num_classes, embed_dim)
    table_of(module, num_classes, embed_dim)


@pytest.mark.parametrize("num_classes", COUNTS)
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


@pytest.mark.parametrize(("batch", "width"), LABEL_COUNTS)
@given(seed=SEEDS)
def test_each_label_gets_its_row(step, batch, width, seed):
    """Row i of the result is exactly row y[i] of the table, for any batch size and width."""
    g = generator(seed)
    rows, y = table_numbers(g, 7, width), mixed_labels(g, batch)
    labels = f"y = {y.tolist()}" if batch < 20 else f"{batch} labels"
    check_close(
        filled(step, rows)(y),
        rows[y],
        called=f"forward(y) with {labels}, K = 7 and D = {width}",
        must="row i of the result is row y[i] of the table, unchanged",
        hint="one look-up for the whole batch; do not scale, average, round or squeeze",
        tolerance=0,
    )


@pytest.mark.parametrize("num_classes", COUNTS)
def test_every_label_from_zero_to_null_has_a_row_of_its_own(step, num_classes):
    """The labels 0 to K give the table from its first row to its last, which is the null row."""
    rows = table_numbers(generator(0), num_classes, 6)
    check_close(
        filled(step, rows)(torch.arange(num_classes + 1)),
        rows,
        called=f"forward(y) with all labels 0 to {num_classes}, of which {num_classes} is the null class",
        must="the null class has an ordinary row, the last; no real class replaces it",
        hint="look up the label as it is",
        tolerance=0,
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
        tolerance=0,
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("change", NEW_ROWS)
def test_table_is_read_as_it_is_now(step, change, training):
    """A second look-up sees what became of the table since the first, in training and sampling."""
    g, y = generator(0), torch.tensor(LOOKED_UP)
    module, rows = filled(step, table_numbers(g)).train(training), table_numbers(g)
    with torch.set_grad_enabled(training):
        module(y)
        found = NEW_ROWS[change](module, rows)(y)
    check_close(
        found,
        rows[y],
        called=f"forward(y) in {'train' if training else 'eval'} mode, and again after the table "
        f"was {change}",
        must="the rows are those of the table as it is now",
        hint="look up self.embed in every call, and keep nothing from one call to the next",
        tolerance=0,
    )


@pytest.mark.parametrize("training", [True, False])
def test_gradients_reach_the_rows_that_were_looked_up(step, training):
    """A row's gradient is the sum over the samples that looked it up, in train and eval mode."""
    g = generator(0)
    module, y = filled(step, table_numbers(g)), torch.tensor(LOOKED_UP)
    weights = torch.randn(6, 5, generator=g)
    rows = module.train(training)(y)
    check_that(
        isinstance(rows, torch.Tensor) and rows.requires_grad,
        called=f"forward(y) in {'train' if training else 'eval'} mode",
        got="returned something without a gradient",
        must="the table learns through its look-ups",
        hint="no detach(), no torch.no_grad(), no frozen table",
    )
    (gradient,) = torch.autograd.grad((rows * weights).sum(), module.embed.weight)
    expected = torch.zeros(8, 5).index_add(0, y, weights)
    check_close(
        gradient.to_dense(),
        expected,
        called=f"forward(y) with y = {list(LOOKED_UP)}, K = 7 and took the gradient of the table",
        must="rows 0, 2 and 7, the null row, get the gradients of their samples; other rows get 0",
        hint="all rows train in the same way; nn.Embedding needs its two sizes and no option",
    )


def test_gradient_is_one_that_adamw_takes(step):
    """The table's gradient is an ordinary dense tensor, as AdamW in step 6 needs it."""
    module = filled(step, table_numbers(generator(0)))
    module(torch.tensor(LOOKED_UP)).sum().backward()
    gradient = module.embed.weight.grad
    check_that(
        gradient is not None and gradient.layout == torch.strided,
        called=f"forward({list(LOOKED_UP)}).sum().backward()",
        got="left no gradient" if gradient is None else "left a sparse gradient, refused by AdamW",
        must="AdamW can train the table in step 6, and it takes dense gradients only",
        hint="nn.Embedding needs its two sizes and no option, in particular not sparse=True",
    )


def test_every_row_is_drawn_from_the_same_small_gaussian(step):
    """Every row, also the null row, starts as N(0, 0.02): mean 0, standard deviation 0.02."""
    fresh_seed()
    rows = table_of(step.ClassEmbedding(*WIDE), *WIDE).detach()
    count = rows.shape[1]
    for share in SHARES:
        limit = NormalDist(0, 0.02).inv_cdf(share)
        low, high = binomial_bounds(count, share, FALSE_ALARM / 21)
        for label, row in enumerate(rows):
            below = int((row < limit).sum())
            check_that(
                low <= below <= high,
                called=f"ClassEmbedding{WIDE} and looked at its table",
                got=f"starts with {below / count:.2%} of row {label} below {limit:.4f}; this row "
                f"has mean {float(row.mean()):.4f} and standard deviation {float(row.std()):.4f}",
                must=f"about {share:.2%} of a row from N(0, 0.02) is below {limit:.4f}",
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


def test_every_number_is_drawn_by_itself(step):
    """The numbers of a table are independent: their sums spread as widely as chance makes them."""
    fresh_seed()
    count, *sizes = SMALL_TABLES
    tables = torch.stack([table_of(step.ClassEmbedding(*sizes), *sizes) for _ in range(count)])
    tables = tables.detach()
    squares = ((tables / 0.02) ** 2).sum((1, 2))
    for what, holds, share in (
        *(
            (f"sums of {name} lay within 0.6745 deviations of 0", z.abs() < 0.6745, 0.5000065)
            for name, z in sums(tables).items()
        ),
        ("tables were shorter than the median table should be", squares < MEDIAN_OF_SQUARES, 0.5),
    ):
        check_count(
            holds.sum(),
            holds.numel(),
            share,
            called=f"ClassEmbedding{tuple(sizes)}, {count:,} times",
            what=what,
            must="each number of a table is drawn from N(0, 0.02) by itself, and then left alone",
            hint="draw the whole table at once; do not centre, mirror or normalise it",
            parts=6,
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_have_the_dtype_of_the_table(step, dtype):
    """A table that was converted gives rows of its new dtype."""
    rows, y = table_numbers(generator(0)).to(dtype), torch.tensor(LOOKED_UP)
    check_close(
        filled(step, rows.float()).to(dtype)(y),
        rows[y],
        called=f"forward(y) after module.to({dtype})",
        must="row i of the result is row y[i] of the table, in the dtype of the table",
        hint="name no dtype in forward: the look-up keeps that of the table",
        tolerance=0,
    )


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
def test_labels_may_be_int32(step, dtype):
    """Labels of int32 are looked up like those of int64."""
    rows, y = table_numbers(generator(0)), torch.tensor(LOOKED_UP)
    try:
        found = filled(step, rows)(y.to(dtype))
    except (TypeError, ValueError, IndexError) as error:
        found = error
    check_close(
        found,
        rows[y],
        called=f"forward(y) with labels of {dtype}",
        must="labels are int64 or int32, and both are looked up",
        hint="nn.Embedding takes both; refuse floats and booleans only",
        tolerance=0,
    )


def test_rows_are_on_the_device_of_the_table(step):
    """Table and labels may be on any device, and the rows are on the same."""
    module, y = filled(step, table_numbers(generator(0))), torch.tensor(LOOKED_UP)
    fault = fault_elsewhere(moved(module), y)
    check_that(
        not fault,
        called="forward(y) as if table and labels were on a GPU",
        got=fault,
        must="the rows are on the device of the table",
        hint="make no new tensor in forward, or make it on the device of self.embed.weight",
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("num_classes", "bad"), [(n, bad) for n, labels in OUT_OF_RANGE.items() for bad in labels]
)
def test_labels_out_of_range_are_refused(step, num_classes, bad, training):
    """A label below 0 or above K raises an error, also among good labels, and in both modes."""
    module = filled(step, table_numbers(generator(0), num_classes, 4)).train(training)
    check_raises(
        LABEL_ERRORS,
        lambda: quietly(module, torch.tensor([0, bad, 1]), training),
        called=f"forward(y) with y = [0, {bad}, 1] and K = {num_classes}, in "
        f"{'train' if training else 'eval'} mode",
        must=f"the labels are 0 to {num_classes}; any other label raises an error "
        "and is not turned into a valid one",
        hint="nn.Embedding refuses such labels by itself; plain indexing accepts negative ones",
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("labels", NOT_INTEGERS)
def test_labels_that_are_not_integers_are_refused(step, labels, training):
    """Floats and booleans raise an error, even if the floats are whole numbers."""
    module, y = filled(step, table_numbers(generator(0))).train(training), torch.tensor(labels)
    check_raises(
        LABEL_ERRORS,
        lambda: quietly(module, y, training),
        called=f"forward(y) with y = {labels}, a tensor of {y.dtype}",
        must="labels are int64 or int32; floats are not rounded, and True is no class",
        hint="look at y.dtype before you convert anything; nn.Embedding refuses both by itself",
    )
