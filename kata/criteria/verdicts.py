"""Verdicts: whether a step passes each criterion, in the words of the test of the same name.

A verdict sees only tensors: the step's answers, and the solution's answers on the same inputs.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kata.course.steps import Step
from kata.course.variants import first_paragraph
from kata.criteria.questions import Answer, questions_of
from kata.criteria.rules import Criterion


@dataclass(frozen=True)
class Words:
    """The words of a test: the property in its docstring, and its first hint in plain text."""

    must: str
    hint: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether one criterion passed. `why` is empty if it did."""

    name: str
    passed: bool
    weight: float
    testimony: bool
    why: str
    words: Words


def criteria_of(step: Step) -> dict[str, Criterion]:
    """Return the criterion of every question of a step."""
    return {
        name: getattr(question, "criterion", Criterion())
        for name, question in questions_of(step).items()
    }


def verdicts_on(
    step: Step, answers: Mapping[str, Answer], reference: Mapping[str, Answer], root: Path
) -> list[Verdict]:
    """Return a verdict on every criterion of a step; a missing answer fails.

    reference: the solution's answers to the same seed; root: the course's folder, whose tests
    provide the words. Raise ValueError if the solution itself failed to answer.
    """
    spoken = words_of(root / "tests" / step.test_file)
    return [
        _verdict(name, criterion, answers.get(name), reference[name], spoken[f"test_{name}"])
        for name, criterion in criteria_of(step).items()
    ]


def right(criterion: Criterion, answer: Answer | None, reference: Answer) -> bool:
    """Return whether an answer passes its criterion."""
    return (
        answer is not None and not answer.error and criterion.holds(answer.values, reference.values)
    )


def alike(criterion: Criterion, a: Answer, b: Answer) -> bool:
    """Return whether two answers are the same: the same error, or tensors that are alike."""
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
        why = "" if criterion.holds(given.values, reference.values) else "its answer is wrong"
    return Verdict(name, not why, criterion.weight, criterion.testimony, why, words)


@cache
def words_of(test_file: Path) -> dict[str, Words]:
    """Return the words of every test of a file, by the name of its function."""
    tree = ast.parse(test_file.read_text(encoding="utf-8"))
    return {
        node.name: Words(first_paragraph(ast.get_docstring(node) or ""), _first_hint(node))
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
