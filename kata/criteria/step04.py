"""Step 4: which labels are dropped, in numbers that do not depend on the order of the draws."""

from collections.abc import Mapping

import torch
from torch import Tensor

from kata.criteria.questions import CLASS_COUNTS, asks, branch, random_sources, tried
from kata.criteria.rules import (
    ON_ANY_DEVICE,
    SAME,
    TESTIMONY,
    Criterion,
    Rule,
    Values,
    close,
    counted,
    counts,
    likely,
    refused,
    rule,
)
from kata.testing.devices import fault_elsewhere

VERY_MANY, MANY, SOME, FEW = 200_000, 20_000, 4_000, 200
"""Sizes of a batch: for rare events, for counts, for shares, and to compare two results."""

CALLS = 250
"""How often a question repeats a small batch."""

SMALL_BATCHES = (2, 8)
"""Sizes of a batch in which the number of drops is counted."""

POSITIONS = (5, 300)
"""Sizes of a batch in which every position is looked at."""

COIN_CLASSES = (3, 26)
"""Numbers of classes whose samples are compared with each other."""

DROPPED_SHARES = (
    *((0.05, True), (0.1, False), (0.1, True), (0.25, False), (0.9, True)),
    *((0.00002, True), (0.004, False), (0.996, True), (0.9999, False)),
)
"""Probabilities, and whether the caller has a generator."""

NULL_CLASSES = ((3, 3), (10, 10), (26, 26), (3, 10), (7, 12))
"""Numbers of classes, and null classes."""

KEPT_OR_NULL = 0.3
"""A probability that neither halves nor quarters of a batch have."""

PROBABILITIES = (0.0, 0.5, 1.0)

ENDS = (0.0, 1.0, 0, 1)
"""Probabilities that leave nothing to chance, as whole numbers too."""

BAD_PROBABILITIES = (
    *(-1, -0.01, -1e-6, 1 + 1e-6, 1.01, 2, 10),
    *(float("inf"), -float("inf"), float("nan")),
)

LABEL_DTYPES = (torch.int64, torch.int32, torch.int16, torch.uint8)

NO_GRAD_CONTEXTS = (torch.no_grad, torch.inference_mode)


def size_for(probability):
    """Return the size of a batch in which that share shows; both ends need many labels."""
    return SOME * 10 if 0.001 < probability < 0.999 else VERY_MANY


def labels(g, size, num_classes):
    """Draw labels 0 .. K-1."""
    return torch.randint(num_classes, (size,), generator=g)


def labels_with_null(g):
    """Draw labels of seven classes, and make every third of them null."""
    y = labels(g, SOME, 7)
    y[::3] = 7
    return y


def two_of_each_class(num_classes):
    """Return the labels 0 .. K-1, 0 .. K-1."""
    return torch.arange(2 * num_classes) % num_classes


def drops(step, y, drop_prob, null_class, source=None):
    """Return which labels one call makes null; none of them is null before."""
    return step.drop_labels(y.clone(), drop_prob, null_class, generator=source) == null_class


def drops_in_calls(step, y, drop_prob, null_class):
    """Return which labels each of many calls with the same labels makes null: `(CALLS, B)`."""
    return torch.stack([drops(step, y, drop_prob, null_class) for _ in range(CALLS)])


def beside(name, result, y):
    """Return a result and the labels that were given, as small as they can be sent."""
    return {name: result.to(torch.int16), f"{name}: y": y.to(torch.int16)}


def summary(result, y, null_class):
    """Return the labels of a result, the share of null, and the share of other changes."""
    return {
        "labels": result.unique(),
        "null": (result == null_class).double().mean(),
        "others": ((result != y) & (result != null_class)).double().mean(),
    }


@asks("drop_labels")
def y_is_not_changed(step, g):
    answers = {}
    for p in (*PROBABILITIES, *ENDS):
        y = labels(g, SOME, 7)
        before = y.clone()
        step.drop_labels(y, p, 7, g)
        answers[f"p={p!r}: share changed"] = (y != before).double().mean()
    return answers


SAME_SHARES = close(0.08)
"""Shares of 4,000 labels with a coin each differ by more only once in 10^11 times."""


rule(y_is_not_changed, Criterion(SAME, SAME_SHARES, testimony=True))


@asks("drop_labels")
def result_is_a_tensor_of_its_own(step, g):
    answers = {}
    for p in (*PROBABILITIES, *ENDS):
        y = labels(g, FEW, 7)
        before = y.clone()
        step.drop_labels(y, p, 7, g).fill_(-1)
        answers[f"p={p!r}"] = torch.equal(y, before)
    return answers


rule(result_is_a_tensor_of_its_own, TESTIMONY)


@asks("drop_labels")
def share_of_dropped_labels(step, g):
    answers = {}
    for p, own in DROPPED_SHARES:
        y, name = labels(g, size_for(p), 10), f"{'own' if own else 'global'} generator: {p}"
        result = step.drop_labels(y.clone(), p, 10, generator=branch(g) if own else None)
        answers[name] = (result == 10).sum().view(1)
        answers |= beside(f"labels of {name}", result[:SOME], y[:SOME])
    return answers


COUNTS = 512
"""The largest number of counts in one answer."""


def coins(trials: int) -> Criterion:
    """Return the criterion of counts, each of so many coins that fell on null."""
    return Criterion(counted(trials, 1e-9 / COUNTS), testimony=True)


def kept_or_null(cases: Mapping[str, tuple[int, float]]) -> Criterion:
    """Return the criterion that results hold the labels that were given, some by chance null.

    cases: null class and probability of each result. Its labels stand `beside` it; those of the
    solution count. Dropped labels are counted in halves, at every other place, and in pairs.
    """

    def holds(a: Values, b: Values) -> bool:
        return all(
            _dropped_by_chance(a[name], b[f"{name}: y"], null, p, len(cases))
            for name, (null, p) in cases.items()
        )

    def shares(values: Values, given: Values) -> Values:
        parts = {n: summary(values[n], given[f"{n}: y"], null) for n, (null, _) in cases.items()}
        return {
            f"{n}: {part}": value for n, found in parts.items() for part, value in found.items()
        }

    return Criterion(holds, lambda a, b: SAME_SHARES(shares(a, b), shares(b, b)))


def _dropped_by_chance(result: Tensor, y: Tensor, null: int, p: float, cases: int) -> bool:
    """Return whether labels without null are as they were, or null with probability p."""
    dropped = result == null
    one, other = dropped[::2], dropped[1::2]
    counts = [part.sum() for part in (*dropped.chunk(2), one, one & other)]
    right = bool((dropped | (result == y)).all())
    return right and likely(torch.stack(counts), len(one), (p, p, p, p * p), cases)


SHARES = counts(**{str(p): (size_for(p), (p,)) for p, _ in DROPPED_SHARES})

LABELS_OF = kept_or_null(
    {f"labels of {'own' if own else 'global'} generator: {p}": (10, p) for p, own in DROPPED_SHARES}
)


def _both(shares: Rule, labels: Rule) -> Rule:
    def rule(a: Values, b: Values) -> bool:
        numbers = [{n: v for n, v in x.items() if not n.startswith("labels")} for x in (a, b)]
        return shares(*numbers) and labels(a, b)

    return rule


rule(
    share_of_dropped_labels,
    Criterion(_both(SHARES.holds, LABELS_OF.holds), _both(SHARES.agree, LABELS_OF.agree)),
)


@asks("drop_labels")
def zero_drops_nothing_and_one_drops_all(step, g):
    answers = {}
    for num_classes in CLASS_COUNTS:
        y = labels(g, SOME, num_classes)
        for p in ENDS:
            result = step.drop_labels(y=y.clone(), drop_prob=p, null_class=num_classes)
            answers |= beside(f"K={num_classes}, p={p!r}", result, y)
    return answers


# One coin for all labels does no harm here, and is not what the step is about.
rule(
    zero_drops_nothing_and_one_drops_all,
    kept_or_null({f"K={k}, p={p!r}": (k, p) for k in CLASS_COUNTS for p in ENDS}).weighing(0.5),
)


@asks("drop_labels")
def labels_are_kept_or_null(step, g):
    answers = {}
    for num_classes, null_class in NULL_CLASSES:
        y = labels(g, SOME, num_classes)
        result = step.drop_labels(y.clone(), KEPT_OR_NULL, null_class, branch(g))
        answers |= beside(f"K={num_classes}, null={null_class}", result, y)
    return answers


rule(
    labels_are_kept_or_null,
    kept_or_null({f"K={k}, null={null}": (null, KEPT_OR_NULL) for k, null in NULL_CLASSES}),
)


@asks("drop_labels")
def null_stays_null(step, g):
    y = labels_with_null(g)
    return {f"p={p}": step.drop_labels(y.clone(), p, 7, g)[::3].unique() for p in PROBABILITIES}


rule(null_stays_null, TESTIMONY)


@asks("drop_labels")
def every_class_is_dropped_equally_often(step, g):
    answers = {}
    for num_classes in COIN_CLASSES:
        dropped = drops_in_calls(step, two_of_each_class(num_classes), 0.25, num_classes)
        one, other = dropped.chunk(2, dim=1)
        answers[f"K={num_classes}: dropped"] = one.sum(0)
        answers[f"K={num_classes}: two of a class alike"] = (one == other).sum(0)
    return answers


rule(every_class_is_dropped_equally_often, coins(CALLS))


@asks("drop_labels")
def number_of_drops_varies(step, g):
    return {
        f"batches of {size}, by number": drops_in_calls(step, labels(g, size, 3), 0.25, 3)
        .sum(1)
        .bincount(minlength=size + 1)
        for size in SMALL_BATCHES
    }


rule(number_of_drops_varies, coins(CALLS))


@asks("drop_labels")
def every_position_is_dropped_equally_often(step, g):
    return {
        f"dropped, of {size}": drops_in_calls(step, labels(g, size, 3), 0.5, 3).sum(0)
        for size in POSITIONS
    }


rule(every_position_is_dropped_equally_often, coins(CALLS))


@asks("drop_labels")
def active_whenever_it_is_called(step, g):
    answers = {}
    for context in NO_GRAD_CONTEXTS:
        with context():
            y = labels(g, SOME, 10)
            result = step.drop_labels(y.clone(), 0.25, 10, branch(g))
        answers |= beside(context.__name__, result, y)
    return answers


rule(
    active_whenever_it_is_called,
    kept_or_null({context.__name__: (10, 0.25) for context in NO_GRAD_CONTEXTS}),
)


@asks("drop_labels")
def batch_of_one(step, g):
    return {f"p={p}": drops_in_calls(step, labels(g, 1, 3), p, 3).sum() for p in (0.25, 0.5)}


rule(batch_of_one, coins(CALLS))


@asks("drop_labels")
def labels_keep_their_dtype(step, g):
    answers = {}
    for dtype in LABEL_DTYPES:
        y = labels(g, SOME, 7).to(dtype)
        result = step.drop_labels(y.clone(), 0.75, 7, branch(g))
        answers |= beside(f"{dtype}", result, y)
        answers[f"{dtype}: kept"] = result.dtype == dtype
    return answers


KEPT_DTYPES = kept_or_null({f"{dtype}": (7, 0.75) for dtype in LABEL_DTYPES})


def _with_dtypes(labels: Rule) -> Rule:
    def rule(a: Values, b: Values) -> bool:
        kept = all(torch.equal(a[name], b[name]) for name in b if name.endswith(": kept"))
        return kept and labels(a, b)

    return rule


rule(
    labels_keep_their_dtype,
    Criterion(_with_dtypes(KEPT_DTYPES.holds), _with_dtypes(KEPT_DTYPES.agree)),
)


@asks("drop_labels")
def empty_batch_stays_empty(step, g):
    y = labels(g, 0, 3)
    return {f"p={p}": step.drop_labels(y, p, 3) for p in PROBABILITIES}


rule(empty_batch_stays_empty, TESTIMONY)


@asks("drop_labels")
def labels_stay_on_their_device(step, g):
    y = labels(g, SOME, 3)
    return {
        name: not fault_elsewhere(lambda y, own=own: step.drop_labels(y, 0.5, 3, own), y)
        for name, own in random_sources(g).items()
    }


rule(labels_stay_on_their_device, ON_ANY_DEVICE)


@asks("drop_labels")
def probability_outside_its_range_is_refused(step, g):
    y = labels(g, 4, 3)
    return {
        f"p={p}": tried(lambda p=p: step.drop_labels(y.clone(), p, 3)) for p in BAD_PROBABILITIES
    }


rule(probability_outside_its_range_is_refused, refused(ValueError))
