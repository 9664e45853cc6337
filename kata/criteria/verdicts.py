"""Verdicts: what became of every criterion of a step, in the words of the test of the same name.

A verdict sees only tensors: those that the step answered, and those that the solution answered on the same inputs.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kata.course.steps import Step
from kata.criteria.questions import Answer, questions_of
from kata.criteria.rules import Criterion


@dataclass(frozen=True)
class Words:
    """What a test says: the property in its docstring, and the first hint that it gives where it is a plain text."""

    must: str
    hint: str = ""


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
    """The criterion of every question of a step."""
    return {
        name: getattr(question, "criterion", Criterion())
        for name, question in questions_of(step).items()
    }


def verdicts_on(
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
    """Whether two answers to one question are the same: the same error, or tensors that are alike."""
    if a.error or b.error:
        return a.error == b.error
    return criterion.agree(a.values, b.values)


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


@cache
def words_of(test_file: Path) -> dict[str, Words]:
    """The words of every test of a file, by the name of its function."""
    tree = ast.parse(test_file.read_text(encoding="utf-8"))
    return {
        node.name: Words((ast.get_docstring(node) or "").partition("\n")[0], _first_hint(node))
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _first_hint(function: ast.FunctionDef) -> str:
    hints = (
        keyword.value.value
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "hint"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    )
    return next(hints, "")
