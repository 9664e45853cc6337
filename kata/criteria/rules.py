"""Rules: which answers are correct, and which two answers are the same.

A rule sees only tensors. By default an answer must equal the solution's answer on the same inputs.
"""

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from statistics import NormalDist

import torch
from torch import Tensor

from kata.criteria.questions import REFUSALS, Asking
from kata.testing.bounds import FALSE_ALARM, binomial_bounds

Values = Mapping[str, Tensor]
Rule = Callable[[Values, Values], bool]


def close(tolerance: float = 1e-5, dtype: bool = True) -> Rule:
    """Return the rule that names, shapes, dtypes and, within a tolerance, values are the same.

    tolerance: the largest difference allowed, as a share of the largest expected value or of 1,
    whichever is greater; dtype: whether dtypes count.
    """

    def same(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and all(
            _close(a[name], b[name], tolerance, dtype) for name in a
        )

    return same


SAME = close()


def seen(view: Callable[[Values], Values], same: Rule = SAME) -> Rule:
    """Return the rule that two answers are the same in a view that no order of draws changes."""
    return lambda a, b: SAME(a, b) or same(view(a), view(b))


class Subject(IntEnum):
    """What a criterion is about, from what a first draft lacks to what the step is for."""

    REFUSAL = 0
    DEVICE = 1
    IDEA = 2


@dataclass(frozen=True)
class Criterion:
    """How the answers to one question are judged.

    holds: given an answer and the solution's, whether it is correct; alike: whether two answers are
    the same up to chance and rounding (None: as `holds`); weight: its share of the step's points;
    testimony: whether the answer can only cost points, because one that does not do what the step
    is about can have it too: what a step tells of its own behaviour, what it raised, what comes out
    the same on other inputs; subject: what it is about; dtypes: those that a value may have besides
    that of the solution's.
    """

    holds: Rule = SAME
    alike: Rule | None = None
    weight: float = 1.0
    testimony: bool = False
    subject: Subject = Subject.IDEA
    dtypes: Set[torch.dtype] = frozenset()

    @property
    def told(self) -> "Criterion":
        """The same criterion as testimony."""
        return replace(self, testimony=True)

    def weighing(self, weight: float) -> "Criterion":
        """Return the same criterion with another weight."""
        return replace(self, weight=weight)

    def accepts(self, a: Values, solution: Values) -> bool:
        """Return whether an answer is correct; one of another form never is."""
        return self._judge(self.holds, a, solution)

    def agree(self, a: Values, b: Values) -> bool:
        """Return whether two answers of one form are the same up to chance and rounding."""
        return self._judge(self.alike or self.holds, a, b)

    def _judge(self, rule: Rule, a: Values, b: Values) -> bool:
        """Ask a rule, if the names, shapes and dtypes of both are one: nothing is broadcast."""
        if a.keys() != b.keys() or not all(self._fits(a[name], b[name]) for name in b):
            return False
        try:
            return rule(a, b)
        except Exception:  # values that no rule can read are wrong
            return False

    def _fits(self, a: Tensor, b: Tensor) -> bool:
        return a.shape == b.shape and (a.dtype == b.dtype or a.dtype in self.dtypes)


def rule(question: Asking, criterion: Criterion) -> None:
    """Set the criterion of a question; without one, answers must be the SAME as the solution's."""
    question.criterion = criterion  # type: ignore[attr-defined]


TESTIMONY = Criterion(testimony=True)
"""What must be the same as the solution's, and can be so by other means than those of the step."""

ON_ANY_DEVICE = Criterion(testimony=True, subject=Subject.DEVICE)
"""What a step says about the devices on which it works."""


def viewed(view: Callable[[Values], Values], same: Rule = SAME) -> Criterion:
    """Return the criterion that compares answers in a view only."""
    return Criterion(seen(view, same))


CALL_TIMES = Criterion(close(2e-4), testimony=True)
"""The times of a model's calls, which are recorded to four decimals."""

SINGLE_OR_DOUBLE = frozenset({torch.float32, torch.float64})

LANDED = Criterion(close(1e-4))
"""Where sampling ends, up to rounding in single precision."""


def refused(*errors: type[Exception]) -> Criterion:
    """Return the criterion that each call raises one of these errors, no matter which."""
    numbers = [REFUSALS[error] for error in errors]

    def is_refusal(value: Tensor) -> bool:
        return value.dtype == torch.int64 and value.ndim == 0 and int(value) in numbers

    def holds(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and all(is_refusal(value) for value in a.values())

    def alike(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and all(
            _close(a[name], b[name], 1e-5) or (is_refusal(a[name]) and is_refusal(b[name]))
            for name in a
        )

    return Criterion(holds, alike, testimony=True, subject=Subject.REFUSAL)


BAD_LABELS = refused(IndexError, ValueError, TypeError, RuntimeError)
"""Bad labels raise what the docstrings say, or torch's own error for a wrong dtype."""


@cache
def counted(trials: int, false_alarm: float = 1e-9) -> Rule:
    """Return the rule that two answers' counts may come from the same binomial distribution."""

    def same(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and all(
            a[n].shape == b[n].shape and _same_counts(a[n], b[n], trials, false_alarm) for n in a
        )

    return same


NORMAL_SHARES = (0.5, math.erf(0.6745 / 2**0.5), math.erfc(2 / 2**0.5), math.erfc(2.8 / 2**0.5))
"""The shares of numbers from N(0, 1) that `tally` counts."""


def counts(**expected: tuple[int, tuple[float, ...]]) -> Criterion:
    """Return the criterion that counts are such as chance gives: testimony, whatever the inputs.

    It rejects a correct answer once in 10^9 runs. expected: by the name after an answer's last
    colon, the number of trials and the expected share of each count.
    """

    def within(values: Values) -> dict[str, bool]:
        return {
            name: likely(value, *expected[_last(name)], len(values))
            for name, value in values.items()
        }

    def holds(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and all(within(a).values())

    def shares(values: Values) -> Values:
        return {name: value / expected[_last(name)][0] for name, value in values.items()}

    def alike(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and within(a) == within(b) and close(0.05)(shares(a), shares(b))

    return Criterion(holds, alike, testimony=True)


def standard_normal(trials: int) -> Criterion:
    """Return the criterion that every answer is a `tally` of so many numbers from N(0, 1)."""
    return counts(tally=(trials, NORMAL_SHARES))


def _repeats(values: Values) -> Values:
    """Return the shape of each `first`, and whether its `again` and `other` are equal to it."""
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


REPEATED = Criterion(seen(_repeats), testimony=True)
"""The same seed gives the same result, another seed gives another."""


def _last(name: str) -> str:
    return name.rpartition(": ")[2]


def likely(count: Tensor, trials: int, shares: tuple[float, ...], parts: int) -> bool:
    """Return whether counts of so many trials are such as chance gives, in one of so many parts.

    count: `(len(shares),)`. All parts together reject a correct answer once in 10^9 runs.
    """
    bounds = (binomial_bounds(trials, p, FALSE_ALARM / len(shares) / parts) for p in shares)
    return count.shape == (len(shares),) and all(
        low <= n <= high for n, (low, high) in zip(count.tolist(), bounds, strict=True)
    )


def _same_counts(a: Tensor, b: Tensor, trials: int, false_alarm: float) -> bool:
    z = NormalDist().inv_cdf(1 - false_alarm / 2)
    pooled = (a.double() + b.double()) / (2 * trials)
    deviation = (2 * trials * pooled * (1 - pooled)).clamp(min=0).sqrt()
    return bool(((a.double() - b.double()).abs() <= z * deviation + 1).all())


def _close(a: Tensor, b: Tensor, tolerance: float, dtype: bool = True) -> bool:
    if a.shape != b.shape or (dtype and a.dtype != b.dtype) or a.is_complex() or b.is_complex():
        return False
    if a.dtype == b.dtype and torch.equal(a, b):  # nearly always, and many times faster
        return True
    a, b = a.double(), b.double()
    # The same NaN or infinity on both sides is no difference.
    difference = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
    largest = b[b.isfinite()].abs().max().item() if b.isfinite().any() else 0.0
    return bool((difference <= tolerance * max(1.0, largest)).all())
