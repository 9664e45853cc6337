"""Step 4: which labels are dropped, in numbers that do not depend on the order of the draws."""

import torch

from kata.criteria.questions import CLASS_COUNTS, asks, tried
from kata.criteria.rules import SAME, Criterion, Rule, close, counted, refused, rule

MANY, SOME, FEW = 20_000, 4_000, 200
"""Sizes of a batch: for counts, for shares, and to compare two results."""

PAIRS = 5_000
"""Half the size of a batch in which two labels at a time are compared."""

CALLS = 400
"""How often a question repeats a small batch."""

COIN_CLASSES = (3, 10)
"""Numbers of classes whose samples are compared with each other."""

DROPPED_SHARES = ((0.05, True), (0.1, False), (0.1, True), (0.25, False), (0.9, True))
"""Probabilities, and whether the caller has a generator."""

NULL_CLASSES = ((3, 3), (7, 7), (10, 10), (3, 10), (7, 12))
"""Numbers of classes, and null classes."""

PROBABILITIES = (0.0, 0.5, 1.0)

BAD_PROBABILITIES = (-1, -0.01, 1.01, 2, 10, float("inf"))

NO_GRAD_CONTEXTS = (torch.no_grad, torch.inference_mode)


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


def summary(result, y, null_class):
    """Return the labels of a result, the share of null, and the share of other changes."""
    return {
        "labels": result.unique(),
        "null": (result == null_class).double().mean(),
        "others": ((result != y) & (result != null_class)).double().mean(),
    }


@asks("drop_labels")
def share_of_dropped_labels(step, g):
    answers = {}
    for p, own in DROPPED_SHARES:
        dropped = drops(step, labels(g, MANY, 10), p, 10, g if own else None)
        answers[f"p={p}, {'own' if own else 'global'} generator"] = dropped.sum()
    return answers


COUNTS = 64
"""The largest number of counts in one answer."""


def coins(trials: int) -> Criterion:
    """Return the criterion of counts, each of so many coins that fell on null."""
    alike: Rule = counted(trials, 1e-9 / COUNTS)
    return Criterion(alike, alike)


rule(share_of_dropped_labels, coins(MANY))


@asks("drop_labels")
def zero_drops_nothing_and_one_drops_all(step, g):
    answers = {}
    for num_classes in CLASS_COUNTS:
        y = labels(g, SOME, num_classes)
        for p in (0.0, 1.0):
            result = step.drop_labels(y=y.clone(), drop_prob=p, null_class=num_classes)
            for name, value in summary(result, y, num_classes).items():
                answers[f"K={num_classes}, p={p}: {name}"] = value
    return answers


SAME_SHARES = close(0.08)
"""Shares of 4,000 labels with a coin each differ by more only once in 10^11 times."""


rule(zero_drops_nothing_and_one_drops_all, Criterion(SAME, SAME_SHARES))


@asks("drop_labels")
def labels_are_kept_or_null(step, g):
    answers = {}
    for num_classes, null_class in NULL_CLASSES:
        y = labels(g, SOME, num_classes)
        result = step.drop_labels(y.clone(), 0.5, null_class, g)
        for name, value in summary(result, y, null_class).items():
            answers[f"K={num_classes}, null={null_class}: {name}"] = value
    return answers


rule(labels_are_kept_or_null, Criterion(SAME_SHARES))


@asks("drop_labels")
def null_stays_null(step, g):
    y = labels_with_null(g)
    return {f"p={p}": step.drop_labels(y.clone(), p, 7, g)[::3].unique() for p in PROBABILITIES}


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
    numbers = drops_in_calls(step, labels(g, 8, 3), 0.25, 3).sum(1)
    return {"batches by number": numbers.bincount(minlength=9)}


rule(number_of_drops_varies, coins(CALLS))


@asks("drop_labels")
def every_position_is_dropped_equally_often(step, g):
    return {"dropped": drops_in_calls(step, labels(g, 5, 3), 0.5, 3).sum(0)}


rule(every_position_is_dropped_equally_often, coins(CALLS))


@asks("drop_labels")
def labels_are_dropped_independently(step, g):
    dropped = drops(step, labels(g, 2 * PAIRS, 10), 0.25, 10)
    return {
        "neighbours": (dropped[::2] & dropped[1::2]).sum(),
        "half a batch apart": (dropped[:PAIRS] & dropped[PAIRS:]).sum(),
        "as far from either end": (dropped & dropped.flip(0))[:PAIRS].sum(),
    }


rule(labels_are_dropped_independently, coins(PAIRS))


@asks("drop_labels")
def every_call_draws_anew(step, g):
    y = labels(g, MANY, 10)
    return {
        name: (drops(step, y, 0.25, 10, source) & drops(step, y, 0.25, 10, source)).sum()
        for name, source in (("own generator", g), ("global generator", None))
    }


rule(every_call_draws_anew, coins(MANY))


@asks("drop_labels")
def batch_of_one(step, g):
    return {f"p={p}": drops_in_calls(step, labels(g, 1, 3), p, 3).sum() for p in (0.25, 0.5)}


rule(batch_of_one, coins(CALLS))


@asks("drop_labels")
def y_is_not_changed(step, g):
    answers = {}
    for p in PROBABILITIES:
        y = labels(g, SOME, 7)
        before = y.clone()
        step.drop_labels(y, p, 7, g)
        answers[f"p={p}: share changed"] = (y != before).double().mean()
    return answers


rule(y_is_not_changed, Criterion(SAME, SAME_SHARES, testimony=True))


@asks("drop_labels")
def generator_decides_the_result(step, g):
    y, state = labels(g, FEW, 10), torch.get_rng_state()
    one, other = torch.randint(2**31, (2,), generator=g).tolist()
    first, again, another = (
        drops(step, y, 0.5, 10, torch.Generator().manual_seed(seed)) for seed in (one, one, other)
    )
    return {
        "same seed, same drops": torch.equal(first, again),
        "other seed, same drops": torch.equal(first, another),
        "global generator as it was": torch.equal(state, torch.get_rng_state()),
    }


@asks("drop_labels")
def without_a_generator_the_global_one_is_used(step, g):
    y, results, following = labels(g, FEW, 10), [], []
    one, other = torch.randint(2**31, (2,), generator=g).tolist()
    for seed in (one, one, other):
        torch.manual_seed(seed)
        results.append(drops(step, y, 0.5, 10))
        following.append(torch.rand(4))
    return {
        "same seed, same drops": torch.equal(results[0], results[1]),
        "other seed, same drops": torch.equal(results[0], results[2]),
        "other seed, same numbers afterwards": torch.equal(following[0], following[2]),
    }


@asks("drop_labels")
def active_whenever_it_is_called(step, g):
    answers = {}
    for context in NO_GRAD_CONTEXTS:
        with context():
            answers[context.__name__] = drops(step, labels(g, MANY, 10), 0.5, 10, g).sum()
    return answers


rule(active_whenever_it_is_called, coins(MANY))


@asks("drop_labels")
def probability_outside_its_range_is_refused(step, g):
    y = labels(g, 4, 3)
    return {
        f"p={p}": tried(lambda p=p: step.drop_labels(y.clone(), p, 3)) for p in BAD_PROBABILITIES
    }


rule(probability_outside_its_range_is_refused, refused(ValueError))
