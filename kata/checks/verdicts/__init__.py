"""Verdicts: whether what a step answered is right.

A verdict sees only tensors: those that the step's probe brought back, and those that the solution's
brought back on the same inputs. By default they must be the same; `verdicts/step04.py` says where
another rule holds.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from kata.checks.probes import REFUSALS, Answer, probes_of
from kata.checks.words import Words, words_of
from kata.course.manifest import Step

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


def seen(
    view: Callable[[Values], Values], same: Callable[[Values, Values], bool] = SAME
) -> Callable[[Values, Values], bool]:
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
    """How one probe's answers are judged.

    holds: of an answer and the solution's, whether it is right; alike: of two answers, whether they
    are the same but for what chance or rounding does; weight: its share of the step's points;
    testimony: whether the answer tells how the step behaved (how often it called the model, what it
    raised) rather than what it computed: such an answer can cost points and cannot earn any.
    """

    holds: Rule = SAME
    alike: Rule = SAME
    weight: float = 1.0
    testimony: bool = False


@dataclass(frozen=True)
class Verdict:
    """What became of one criterion. `why` is empty where it passed."""

    name: str
    passed: bool
    weight: float
    testimony: bool
    why: str
    words: Words


def criteria_of(step: Step) -> dict[str, Criterion]:
    """The criterion of every probe of a step."""
    module = importlib.import_module(f"kata.checks.verdicts.{step.folder}")
    return {name: module.CRITERIA.get(name, Criterion()) for name in probes_of(step)}


def judge(
    step: Step, answers: Mapping[str, Answer], reference: Mapping[str, Answer], root: Path
) -> list[Verdict]:
    """A verdict on every criterion of a step; an answer that is missing is one that failed.

    reference: the solution's answers to the same seed; root: the course's folder, whose tests lend their
    words. Raises ValueError where the solution itself failed to answer.
    """
    spoken = words_of(root / "tests" / step.test_file)
    return [
        _verdict(name, criterion, answers.get(name), reference[name], spoken[f"test_{name}"])
        for name, criterion in criteria_of(step).items()
    ]


def right(criterion: Criterion, answer: Answer | None, reference: Answer) -> bool:
    """Whether an answer passes its criterion."""
    return (
        answer is not None and not answer.error and criterion.holds(answer.values, reference.values)
    )


def alike(criterion: Criterion, a: Answer, b: Answer) -> bool:
    """Whether two answers to one probe are the same: the same error, or tensors that are alike."""
    if a.error or b.error:
        return a.error == b.error
    return criterion.alike(a.values, b.values)


def _verdict(
    name: str, criterion: Criterion, given: Answer | None, reference: Answer, words: Words
) -> Verdict:
    if reference.error:
        raise ValueError(f"the solution fails at {name}: {reference.error}: {reference.message}")
    if given is None:
        why = "it gave no answer"
    elif given.error == "NotImplementedError":
        why = "it is not written yet"
    elif given.error:
        why = f"it raised {given.error}: {given.message}".rstrip(": ")
    else:
        why = "" if criterion.holds(given.values, reference.values) else "it answered wrongly"
    return Verdict(name, not why, criterion.weight, criterion.testimony, why, words)


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


def _same_counts(a: Tensor, b: Tensor, trials: int, false_alarm: float) -> bool:
    from statistics import NormalDist

    z = NormalDist().inv_cdf(1 - false_alarm / 2)
    pooled = (a.double() + b.double()) / (2 * trials)
    deviation = (2 * trials * pooled * (1 - pooled)).clamp(min=0).sqrt()
    return bool(((a.double() - b.double()).abs() <= z * deviation + 1).all())
