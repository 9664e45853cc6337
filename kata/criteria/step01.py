"""Step 1: the class table, how it starts, and its look-ups."""

import copy
from itertools import product
from statistics import NormalDist

import torch
from torch import nn

from kata.criteria.questions import CLASS_COUNTS, asks, gradients, tally, tried
from kata.criteria.rules import (
    BAD_LABELS,
    NORMAL_SHARES,
    ON_ANY_DEVICE,
    SAME,
    TESTIMONY,
    Criterion,
    close,
    counts,
    rule,
)
from kata.testing.devices import fault_elsewhere, moved

COUNTS = (1, *CLASS_COUNTS, 26, 1000)
"""Numbers of classes: one, some, letters, and as many as ImageNet has."""

TABLE_SIZES = ((3, 5), (7, 8), (10, 16), (1, 4), (26, 3), (1000, 1))
"""Numbers of classes, and widths."""

WIDE = (1, 1 << 18)
"""A table whose rows are long enough to tell N(0, 1) from N(0.03, 1)."""

SHARES = (0.0002, 0.025, 0.25, 0.5, 0.75, 0.975, 0.9998)
"""Shares of N(0, 0.02), from one tail to the other."""

SMALL_TABLES = (400, 3, 4)
"""Tables, classes and widths: so many draws of 4 rows of 4 numbers."""

MEDIAN_OF_SQUARES = 15.3385
"""The median of chi squared with 16 degrees: the sum of the squares of 16 numbers from N(0, 1)."""

LABEL_COUNTS = ((1, 5), (4, 5), (5, 5), (8, 5), (13, 5), (300, 5), (1, 1), (8, 1))
"""Numbers of labels, and widths."""

LOOKED_UP = (2, 7, 0, 2, 7, 2)
"""Labels of seven classes, of which 7 is null; some rows are looked up more than once."""

STATES = tuple(product((True, False), repeat=3))
"""Train mode or eval mode, gradients recorded or not, the table trained or frozen."""

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)

LABEL_DTYPES = (torch.int64, torch.int32)

OUT_OF_RANGE = {n: (-100, -2, -1, n + 1, n + 2, n + 100) for n in (1, 3, 10)}
"""Labels that do not exist, by number of classes."""

NOT_INTEGERS = ([0.0, 2.0, 1.0], [0.5, 1.5, 2.9], [True, False, True])


def table_numbers(g, num_classes=7, embed_dim=5):
    """Draw numbers for a table `(K + 1, D)`."""
    return 3 * torch.randn(num_classes + 1, embed_dim, generator=g)


def mixed_labels(g, size):
    """Draw labels 0 .. 7 of seven classes, null included."""
    return torch.randint(0, 8, (size,), generator=g)


def ten_in_turn():
    """Return 2,000 labels: 0 to 9, again and again."""
    return torch.arange(2000) % 10


def in_state(module, training, trained):
    """Put a module into a mode, train or freeze its table, and give it a gradient."""
    module.train(training)
    module.embed.weight.requires_grad_(trained).grad = torch.ones_like(module.embed.weight)
    return module


def sums(tables):
    """Return sums `(T, ...)` of tables `(T, 4, 4)` of N(0, 0.02), divided by their deviations."""
    z = tables / 0.02
    return {
        "tables": z.sum((1, 2)) / 4,
        "rows": z.sum(2) / 2,
        "columns": z.sum(1) / 2,
        "halves": (z[:, :2] - z[:, 2:]).sum((1, 2)) / 4,
        "sides": (z[..., ::2] - z[..., 1::2]).sum((1, 2)) / 4,
    }


def replaced(module, rows):
    """Replace the table by a new parameter, as fine-tuning code does."""
    module.embed.weight = nn.Parameter(rows.clone())
    return module


def written(module, rows):
    """Write into the table, as an optimiser does."""
    with torch.no_grad():
        module.embed.weight.copy_(rows)
    return module


def loaded(module, rows):
    """Load a checkpoint."""
    module.load_state_dict({"embed.weight": rows})
    return module


def copied(module, rows):
    """Copy the module, as for an average of weights, and write into the copy's table."""
    return written(copy.deepcopy(module), rows)


def quietly(module, y, recorded):
    """Look up labels, with gradients recorded or not."""
    with torch.set_grad_enabled(recorded):
        return module(y)


NEW_ROWS = {f.__name__: f for f in (written, loaded, replaced, copied)}
"""Ways in which a table gets other numbers between two look-ups."""


def filled(step, g, num_classes=7, embed_dim=5):
    """Return a ClassEmbedding in eval mode that holds other numbers in its table."""
    module = step.ClassEmbedding(num_classes, embed_dim).eval()
    return written(module, table_numbers(g, num_classes, embed_dim))


@asks("ClassEmbedding")
def table_has_a_row_a_class_and_one_for_any(step, g):
    answers = {}
    for num_classes, embed_dim in TABLE_SIZES:
        table = step.ClassEmbedding(num_classes, embed_dim).embed
        case = f"K={num_classes}, D={embed_dim}"
        answers[f"{case}: an nn.Embedding"] = isinstance(table, nn.Embedding)
        answers[f"{case}: shape"] = torch.tensor(table.weight.shape)
    return answers


rule(table_has_a_row_a_class_and_one_for_any, TESTIMONY)


@asks("ClassEmbedding")
def null_class_is_the_index_of_the_last_row(step, g):
    modules = {n: step.ClassEmbedding(num_classes=n, embed_dim=4) for n in COUNTS}
    return {f"K={n}: num_classes": float(m.num_classes) for n, m in modules.items()} | {
        f"K={n}: null_class": float(m.null_class) for n, m in modules.items()
    }


rule(null_class_is_the_index_of_the_last_row, TESTIMONY)


@asks("ClassEmbedding")
def table_is_all_there_is(step, g):
    module = step.ClassEmbedding(7, 5)
    trained = {f"parameter {name}": p.requires_grad for name, p in module.named_parameters()}
    return trained | {f"entry {name}": True for name in module.state_dict()}


rule(table_is_all_there_is, TESTIMONY)


@asks("ClassEmbedding")
def every_row_is_drawn_from_the_same_small_gaussian(step, g):
    rows = step.ClassEmbedding(*WIDE).embed.weight.detach()
    limits = [NormalDist(0, 0.02).inv_cdf(share) for share in SHARES]
    return {
        f"row {i}: below": torch.stack([(row < limit).sum() for limit in limits])
        for i, row in enumerate(rows)
    }


rule(every_row_is_drawn_from_the_same_small_gaussian, counts(below=(WIDE[1], SHARES)))


@asks("ClassEmbedding")
def every_number_is_drawn_by_itself(step, g):
    count, *sizes = SMALL_TABLES
    tables = torch.stack([step.ClassEmbedding(*sizes).embed.weight.detach() for _ in range(count)])
    squares = ((tables / 0.02) ** 2).sum((1, 2)) < MEDIAN_OF_SQUARES
    return {name: tally(values) for name, values in sums(tables).items()} | {
        "squares": squares.sum()[None]
    }


rule(
    every_number_is_drawn_by_itself,
    counts(
        tables=(SMALL_TABLES[0], NORMAL_SHARES),
        rows=(4 * SMALL_TABLES[0], NORMAL_SHARES),
        columns=(4 * SMALL_TABLES[0], NORMAL_SHARES),
        halves=(SMALL_TABLES[0], NORMAL_SHARES),
        sides=(SMALL_TABLES[0], NORMAL_SHARES),
        squares=(SMALL_TABLES[0], (0.5,)),
    ),
)


@asks("ClassEmbedding")
def every_table_and_every_row_is_a_draw_of_its_own(step, g):
    tables = [step.ClassEmbedding(7, 5).embed.weight.detach() for _ in range(2)]
    rows = torch.cat(tables)
    return {"same": (rows[:, None] == rows).all(-1)}


rule(every_table_and_every_row_is_a_draw_of_its_own, TESTIMONY)


@asks("ClassEmbedding")
def each_label_gets_its_row(step, g):
    answers = {}
    for batch, width in LABEL_COUNTS:
        module = filled(step, g, 7, width)
        answers[f"B={batch}, D={width}"] = module(mixed_labels(g, batch))
    return answers


rule(each_label_gets_its_row, Criterion(close(0)))


@asks("ClassEmbedding")
def every_label_from_zero_to_null_has_a_row_of_its_own(step, g):
    return {f"K={n}": filled(step, g, n, 6)(torch.arange(n + 1)) for n in COUNTS}


# The whole table, in its order, is right here too.
rule(every_label_from_zero_to_null_has_a_row_of_its_own, Criterion(weight=0.5))


@asks("ClassEmbedding")
def nothing_is_dropped(step, g):
    answers = {}
    for mode in ("train", "eval"):
        module = filled(step, g, 10, 6).train(mode == "train")
        rows = module(ten_in_turn()).view(200, 10, 6)
        usual = rows.median(0).values
        answers[f"{mode}: the usual rows"] = usual
        answers[f"{mode}: share of others"] = (rows != usual).any(-1).double().mean()
    return answers


# Two answers that drop alike drop the same share of the 2,000 labels, as closely as chance allows.
rule(nothing_is_dropped, Criterion(SAME, close(0.1)))


@asks("ClassEmbedding")
def table_is_read_as_it_is_now(step, g):
    answers = {}
    y = torch.tensor(LOOKED_UP)
    for name, change in NEW_ROWS.items():
        for training in (True, False):
            module = filled(step, g).train(training)
            with torch.set_grad_enabled(training):
                module(y)
                answers[f"{name}, train mode {training}"] = change(module, table_numbers(g))(y)
    return answers


@asks("ClassEmbedding")
def a_look_up_changes_nothing(step, g):
    answers, y = {}, torch.tensor(LOOKED_UP)
    for training, recorded, trained in STATES:
        module = in_state(filled(step, g), training, trained)
        with torch.set_grad_enabled(recorded):
            module(y)
            now = torch.is_grad_enabled()
        table, gradient = module.embed.weight, module.embed.weight.grad
        answers |= {
            f"{training}, {recorded}, {trained}: {name}": value
            for name, value in {
                "y": y,
                "table": table,
                "gradient": -1 if gradient is None else gradient,
                "trained": table.requires_grad,
                "training": module.training,
                "table in train mode": module.embed.training,
                "recorded": now,
            }.items()
        }
    return answers


rule(a_look_up_changes_nothing, TESTIMONY)


@asks("ClassEmbedding")
def gradients_reach_the_rows_that_were_looked_up(step, g):
    answers = {}
    for training in (True, False):
        module = filled(step, g).train(training)
        rows = module(torch.tensor(LOOKED_UP))
        found = gradients(rows, torch.randn(6, 5, generator=g), table=module.embed.weight)
        answers[f"train mode {training}"] = found["table"]
    return answers


@asks("ClassEmbedding")
def gradient_is_one_that_adamw_takes(step, g):
    module = filled(step, g)
    module(torch.tensor(LOOKED_UP)).sum().backward()
    gradient = module.embed.weight.grad
    return {"dense": gradient is not None and gradient.layout == torch.strided}


rule(gradient_is_one_that_adamw_takes, TESTIMONY)


@asks("ClassEmbedding")
def rows_have_the_dtype_of_the_table(step, g):
    y = torch.tensor(LOOKED_UP)
    return {str(dtype): filled(step, g).to(dtype)(y) for dtype in DTYPES}


@asks("ClassEmbedding")
def labels_may_be_int32(step, g):
    y = torch.tensor(LOOKED_UP)
    return {str(d): tried(lambda d=d: filled(step, g)(y.to(d))) for d in LABEL_DTYPES}


@asks("ClassEmbedding")
def rows_are_on_the_device_of_the_table(step, g):
    module, y = filled(step, g), torch.tensor(LOOKED_UP)
    return {"fits": not fault_elsewhere(moved(module), y)}


rule(rows_are_on_the_device_of_the_table, ON_ANY_DEVICE)


@asks("ClassEmbedding")
def labels_out_of_range_are_refused(step, g):
    answers = {}
    for num_classes, labels in OUT_OF_RANGE.items():
        for training in (True, False):
            module = filled(step, g, num_classes, 4).train(training)
            for bad in labels:
                y = torch.tensor([0, bad, 1])
                case = f"K={num_classes}, y={bad}, train mode {training}"
                answers[case] = tried(lambda m=module, y=y, t=training: quietly(m, y, t))
    return answers


rule(labels_out_of_range_are_refused, BAD_LABELS)


@asks("ClassEmbedding")
def labels_that_are_not_integers_are_refused(step, g):
    answers = {}
    for training in (True, False):
        module = filled(step, g).train(training)
        for y in NOT_INTEGERS:
            case = f"{y}, train mode {training}"
            answers[case] = tried(lambda m=module, y=y, t=training: quietly(m, torch.tensor(y), t))
    return answers


rule(labels_that_are_not_integers_are_refused, BAD_LABELS)
