"""Step 1: the class table, how it starts, and its look-ups."""

import torch
from torch import nn

from kata.criteria.questions import CLASS_COUNTS, LIMITS, asks, below_limits, gradients, tried
from kata.criteria.rules import BAD_LABELS, SAME, TESTIMONY, Criterion, close, counted, rule

TABLE_SIZES = ((3, 5), (7, 8), (10, 16), (1, 4))
"""Numbers of classes, and widths."""

WIDE = (2, 1 << 19)
"""A table whose rows are long enough to tell N(0, 1) from N(0.02, 1)."""

LABEL_COUNTS = (1, 4, 5, 8, 13)

LOOKED_UP = (2, 7, 0, 2, 7, 2)
"""Labels of seven classes, of which 7 is null; some rows are looked up more than once."""

OUT_OF_RANGE = {n: (-100, -2, -1, n + 1, n + 2, n + 100) for n in (3, 10)}
"""Labels that do not exist, by number of classes."""

NOT_INTEGERS = ([0.0, 2.0, 1.0], [0.5, 1.5, 2.9])


def table_numbers(g, num_classes=7, embed_dim=5):
    """Draw numbers for a table `(K + 1, D)`."""
    return 3 * torch.randn(num_classes + 1, embed_dim, generator=g)


def mixed_labels(g, size):
    """Draw labels 0 .. 7 of seven classes, null included."""
    return torch.randint(0, 8, (size,), generator=g)


def ten_in_turn():
    """Return 2,000 labels: 0 to 9, again and again."""
    return torch.arange(2000) % 10


def filled(step, g, num_classes=7, embed_dim=5):
    """Return a ClassEmbedding in eval mode that holds other numbers in its table."""
    module = step.ClassEmbedding(num_classes, embed_dim).eval()
    with torch.no_grad():
        module.embed.weight.copy_(table_numbers(g, num_classes, embed_dim))
    return module


@asks("ClassEmbedding")
def table_has_a_row_a_class_and_one_for_any(step, g):
    answers = {}
    for num_classes, embed_dim in TABLE_SIZES:
        table = step.ClassEmbedding(num_classes, embed_dim).embed
        case = f"K={num_classes}, D={embed_dim}"
        answers[f"{case}: an nn.Embedding"] = isinstance(table, nn.Embedding)
        answers[f"{case}: shape"] = torch.tensor(table.weight.shape)
    return answers


@asks("ClassEmbedding")
def null_class_is_the_index_of_the_last_row(step, g):
    modules = {n: step.ClassEmbedding(num_classes=n, embed_dim=4) for n in CLASS_COUNTS}
    return {f"K={n}: num_classes": float(m.num_classes) for n, m in modules.items()} | {
        f"K={n}: null_class": float(m.null_class) for n, m in modules.items()
    }


@asks("ClassEmbedding")
def table_is_all_there_is(step, g):
    module = step.ClassEmbedding(7, 5)
    trained = {f"parameter {name}": p.requires_grad for name, p in module.named_parameters()}
    return trained | {f"entry {name}": True for name in module.state_dict()}


@asks("ClassEmbedding")
def every_row_is_drawn_from_the_same_small_gaussian(step, g):
    return below_limits(step.ClassEmbedding(*WIDE).embed.weight.detach())


rule(
    every_row_is_drawn_from_the_same_small_gaussian,
    Criterion(counted(WIDE[1], 1e-9 / (3 * len(LIMITS)))),
)


@asks("ClassEmbedding")
def every_table_and_every_row_is_a_draw_of_its_own(step, g):
    tables = [step.ClassEmbedding(7, 5).embed.weight.detach() for _ in range(2)]
    rows = torch.cat(tables)
    return {"same": (rows[:, None] == rows).all(-1)}


@asks("ClassEmbedding")
def each_label_gets_its_row(step, g):
    module = filled(step, g)
    return {f"B={batch}": module(mixed_labels(g, batch)) for batch in LABEL_COUNTS}


@asks("ClassEmbedding")
def every_label_from_zero_to_null_has_a_row_of_its_own(step, g):
    return {f"K={n}": filled(step, g, n, 6)(torch.arange(n + 1)) for n in CLASS_COUNTS}


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
def a_look_up_changes_nothing(step, g):
    module = filled(step, g)
    y = torch.tensor(LOOKED_UP)
    module(y)
    return {"y": y, "table": module.embed.weight}


rule(a_look_up_changes_nothing, TESTIMONY)


@asks("ClassEmbedding")
def gradients_reach_the_rows_that_were_looked_up(step, g):
    module = filled(step, g)
    rows = module(torch.tensor(LOOKED_UP))
    return gradients(rows, torch.randn(6, 5, generator=g), table=module.embed.weight)


@asks("ClassEmbedding")
def labels_out_of_range_are_refused(step, g):
    answers = {}
    for num_classes, labels in OUT_OF_RANGE.items():
        module = filled(step, g, num_classes, 4)
        for bad in labels:
            y = torch.tensor([0, bad, 1])
            answers[f"K={num_classes}, y={bad}"] = tried(lambda m=module, y=y: m(y))
    return answers


rule(labels_out_of_range_are_refused, BAD_LABELS)


@asks("ClassEmbedding")
def labels_that_are_not_integers_are_refused(step, g):
    module = filled(step, g)
    return {str(y): tried(lambda y=y: module(torch.tensor(y))) for y in NOT_INTEGERS}


rule(labels_that_are_not_integers_are_refused, BAD_LABELS)
