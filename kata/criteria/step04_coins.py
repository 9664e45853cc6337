"""Step 4, more than one coin: labels far apart, calls in a row, seeds beside each other."""

import torch

from kata.criteria.questions import asks, branch
from kata.criteria.rules import TESTIMONY, rule
from kata.criteria.step04 import CALLS, FEW, MANY, VERY_MANY, coins, drops, drops_in_calls, labels

PAIRS = 50_000
"""How many pairs of labels are compared for each distance."""

PAIR_PROBABILITIES = (0.1, 0.25, 0.75)

DISTANCES = (
    *(2**k for k in range(17)),
    *(3, 5, 7, 10, 28, 50, 100, 300, 500, 1000, 5000, 10_000, 50_000, 100_000),
)
"""How far two labels of a batch of VERY_MANY are apart."""

LARGE, NUMBERS = 300, (66, 75, 84)
"""The size of a large batch, and numbers of drops in it at p = 0.25."""

REPEATS = 200
"""How many calls are compared, each with each."""


def both_dropped(dropped, distance, first=0):
    """Count the pairs of labels, that far apart, that are both dropped; no label is in two."""
    whole = (len(dropped) - first) // (2 * distance) * 2 * distance
    one, other = dropped[first : first + whole].view(-1, 2, distance).unbind(1)
    return (one & other).flatten()[:PAIRS].sum()


def different(masks):
    """Return how many of the masks `(N, B)` differ from all others."""
    return len(masks.unique(dim=0))


@asks("drop_labels")
def number_of_drops_varies_in_large_batches(step, g):
    numbers = drops_in_calls(step, labels(g, LARGE, 3), 0.25, 3).sum(1)
    return {f"fewer than {number}": (numbers < number).sum() for number in NUMBERS}


rule(number_of_drops_varies_in_large_batches, coins(CALLS))


@asks("drop_labels")
def labels_are_dropped_independently(step, g):
    answers = {}
    for p in PAIR_PROBABILITIES:
        dropped = drops(step, labels(g, VERY_MANY, 10), p, 10)
        pairs = {
            "the second and the third, and so on": both_dropped(dropped, 1, 1),
            "as far from either end": (dropped & dropped.flip(0))[:PAIRS].sum(),
            **{f"{distance} apart": both_dropped(dropped, distance) for distance in DISTANCES},
        }
        answers |= {f"p={p}: {which}": count for which, count in pairs.items()}
    return answers


rule(labels_are_dropped_independently, coins(PAIRS))


@asks("drop_labels")
def every_call_draws_anew(step, g):
    y, answers = labels(g, MANY, 10), {}
    for name, source in (("own generator", g), ("global generator", None)):
        first, second, third = (drops(step, y, 0.25, 10, source) for _ in range(3))
        answers[f"{name}: both times"] = (first & second).sum()
        answers[f"{name}: first and third time"] = (first & third).sum()
        for places in (1, -1):
            answers[f"{name}: moved by {places}"] = (first & second.roll(places)).sum()
    return answers


rule(every_call_draws_anew, coins(MANY))


@asks("drop_labels")
def no_two_calls_drop_the_same_labels(step, g):
    y = labels(g, FEW, 10)
    return {
        name: different(torch.stack([drops(step, y, 0.5, 10, s) for _ in range(REPEATS)]))
        for name, s in (("own generator", branch(g)), ("global generator", None))
    }


rule(no_two_calls_drop_the_same_labels, TESTIMONY)


@asks("drop_labels")
def seeds_beside_each_other_are_independent(step, g):
    y, answers = labels(g, MANY, 10), {}
    seed = 2 * int(torch.randint(2**20, (), generator=g))
    for distance in (1, 2, 1000):
        one, other = (
            drops(step, y, 0.25, 10, torch.Generator().manual_seed(s))
            for s in (seed, seed + distance)
        )
        answers[f"{distance} apart"] = (one & other).sum()
    return answers


rule(seeds_beside_each_other_are_independent, coins(MANY))


@asks("drop_labels")
def every_call_uses_its_own_arguments(step, g):
    answers = {}
    for p, null_class, size in ((1.0, 10, 4), (0.0, 10, 4), (1.0, 12, 4), (1, 3, 5), (0, 3, 5)):
        result = step.drop_labels(torch.arange(size) % 3, p, null_class)
        answers[f"p={p!r}, null={null_class}, B={size}"] = result
    return answers


rule(every_call_uses_its_own_arguments, TESTIMONY)


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


rule(generator_decides_the_result, TESTIMONY)


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


rule(without_a_generator_the_global_one_is_used, TESTIMONY)
