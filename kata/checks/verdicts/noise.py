"""What must hold of noise, whatever the order in which it was drawn."""

import math

import torch

from kata.checks.bounds import FALSE_ALARM, binomial_bounds
from kata.checks.verdicts import Criterion, Values, close, seen

SHARES = (0.5, math.erf(0.6745 / 2**0.5), math.erfc(2 / 2**0.5), math.erfc(2.8 / 2**0.5))
"""How many numbers of N(0, 1) lie where `probes.noise.tally` counts them."""


def counts(testimony: bool = False, **expected: tuple[int, tuple[float, ...]]) -> Criterion:
    """Every answer holds counts, and chance gives such: refuses right ones once in 10^9 runs.

    expected: for the name after an answer's last colon the number of trials and the share that each
    count has of them.
    """

    def within(values: Values) -> dict[str, bool]:
        return {
            name: _likely(value, *expected[_last(name)], len(values))
            for name, value in values.items()
        }

    def holds(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and all(within(a).values())

    def shares(values: Values) -> Values:
        return {name: value / expected[_last(name)][0] for name, value in values.items()}

    def alike(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and within(a) == within(b) and close(0.05)(shares(a), shares(b))

    return Criterion(holds, alike, testimony=testimony)


def standard_normal(trials: int) -> Criterion:
    """Every answer is a `tally` of so many numbers, and they are from N(0, 1)."""
    return counts(tally=(trials, SHARES))


def _last(name: str) -> str:
    return name.rpartition(": ")[2]


def _likely(count: torch.Tensor, trials: int, shares: tuple[float, ...], parts: int) -> bool:
    bounds = (binomial_bounds(trials, p, FALSE_ALARM / len(shares) / parts) for p in shares)
    return count.shape == (len(shares),) and all(
        low <= n <= high for n, (low, high) in zip(count.tolist(), bounds, strict=True)
    )


def _repeats(values: Values) -> Values:
    """Of each triple `first`, `again`, `other`: its shape, and whether the others are the first once more."""
    facts = {}
    for name, drawn in values.items():
        if name.endswith("first"):
            facts[name] = torch.tensor(drawn.shape)
        elif name.endswith(("again", "other")):
            first = values[f"{name[:-5]}first"]
            facts[name] = torch.tensor(first.shape == drawn.shape and bool((first == drawn).all()))
        else:
            facts[name] = drawn
    return facts


REPEATED = Criterion(seen(_repeats), seen(_repeats))
"""The same seed gives the same, another seed something else."""
