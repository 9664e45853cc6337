"""Rules: when an answer is right, and when two answers are the same.

A rule sees nothing but tensors. By default an answer must be the same as the solution's on the same inputs.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import torch
from torch import Tensor

from kata.criteria.questions import REFUSALS, Asking
from kata.testing.bounds import FALSE_ALARM, binomial_bounds

Values = Mapping[str, Tensor]
Rule = Callable[[Values, Values], bool]


def close(tolerance: float = 1e-5, dtype: bool = True) -> Rule:
    """Whether two answers have the same names, shapes, dtypes and, within a tolerance, values.

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
    """Whether two answers are the same in what a view makes of them: what no order of draws changes.

    Answers of other names, or that the view cannot read, are like no other.
    """

    def agree(a: Values, b: Values) -> bool:
        if a.keys() != b.keys():
            return False
        try:
            return SAME(a, b) or same(view(a), view(b))
        except (RuntimeError, ValueError, IndexError, TypeError):
            return False

    return agree


@dataclass(frozen=True)
class Criterion:
    """How the answers to one question are judged.

    holds: of an answer and the solution's, whether it is right; alike: of two answers, whether they
    are the same but for what chance or rounding does (None: as `holds`); weight: its share of the
    step's points; testimony: whether the answer tells how the step behaved (how often it called the
    model, what it raised) rather than what it computed: such an answer can cost points and cannot
    earn any.
    """

    holds: Rule = SAME
    alike: Rule | None = None
    weight: float = 1.0
    testimony: bool = False

    def agree(self, a: Values, b: Values) -> bool:
        """Whether two answers are the same but for what chance or rounding does."""
        return (self.alike or self.holds)(a, b)


def rule(question: Asking, criterion: Criterion) -> None:
    """State how the answers to a question are judged; without a rule they must be the SAME as the solution's."""
    question.criterion = criterion  # type: ignore[attr-defined]


TESTIMONY = Criterion(testimony=True)
"""What a step tells of its own behaviour."""


def viewed(view: Callable[[Values], Values], same: Rule = SAME) -> Criterion:
    """The criterion of answers of which only what a view makes of them is looked at."""
    return Criterion(seen(view, same))


LANDED = Criterion(close(1e-4))
"""Where a walk ends, to the rounding of single precision."""


def refused(*errors: type[Exception]) -> Criterion:
    """The criterion of calls that must end in one of these errors, whichever; what they return otherwise may differ."""
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

    return Criterion(holds, alike, testimony=True)


BAD_LABELS = refused(IndexError, ValueError, TypeError, RuntimeError)
"""Labels that do not exist: refused as the docstrings say, or by torch's own error for a wrong dtype."""


@cache
def counted(trials: int, false_alarm: float = 1e-9) -> Rule:
    """Whether two answers hold counts that one and the same binomial of so many trials may give."""

    def same(a: Values, b: Values) -> bool:
        return a.keys() == b.keys() and all(
            a[n].shape == b[n].shape and _same_counts(a[n], b[n], trials, false_alarm) for n in a
        )

    return same


SHARES = (0.5, math.erf(0.6745 / 2**0.5), math.erfc(2 / 2**0.5), math.erfc(2.8 / 2**0.5))
"""How many numbers of N(0, 1) lie where `tally` counts them."""


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


REPEATED = Criterion(seen(_repeats))
"""The same seed gives the same, another seed something else."""


def _last(name: str) -> str:
    return name.rpartition(": ")[2]


def _likely(count: torch.Tensor, trials: int, shares: tuple[float, ...], parts: int) -> bool:
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
    # NaN and infinity where the other has the same are no difference.
    difference = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
    largest = b[b.isfinite()].abs().max().item() if b.isfinite().any() else 0.0
    return bool((difference <= tolerance * max(1.0, largest)).all())
