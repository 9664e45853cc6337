"""Verdicts: whether a step passes each criterion, in the words of the test of the same name.

A verdict sees only tensors: the step's answers, and the solution's answers on the same inputs.
"""

import ast
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kata.course.steps import Step
from kata.course.variants import first_paragraph
from kata.criteria.questions import Answer, questions_of
from kata.criteria.rules import Criterion

NOT_WRITTEN = "it is not written yet"
WRONG = "its answer is wrong"


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


def _error_told(answer: Answer, of: str) -> str:
    return f"it raised {answer.error}: {answer.message}".rstrip(": ")


def verdicts_on(
    step: Step, answers: Mapping[str, Answer], reference: Mapping[str, Answer], root: Path
) -> list[Verdict]:
    """Return a verdict on every criterion of a step; a missing answer fails.

    reference: the solution's answers to the same seed; root: the course's folder, whose tests
    provide the words. Raise ValueError if the solution itself failed to answer.
    """
    return verdicts_from(step, answers, passed_by(step, answers, reference), root)


def passed_by(
    step: Step, answers: Mapping[str, Answer], reference: Mapping[str, Answer]
) -> set[str]:
    """Return the names of the criteria that a step passes.

    reference: the solution's answers to the same seed. Raise ValueError if the solution failed.
    """
    for name, answer in reference.items():
        if answer.error:
            raise ValueError(f"the solution fails at {name}: {answer.error}: {answer.message}")
    return {
        name
        for name, criterion in criteria_of(step).items()
        if right(criterion, answers.get(name), reference[name])
    }


def verdicts_from(
    step: Step,
    answers: Mapping[str, Answer],
    passed: Set[str],
    root: Path,
    raised: Callable[[Answer, str], str] = _error_told,
) -> list[Verdict]:
    """Return the verdicts on a step that passes those criteria.

    root: the course's folder; raised: what is said of an answer that is an error, given the public
    name it is about.
    """
    spoken = words_of(root / "tests" / step.test_file)
    questions = questions_of(step)

    def why(name: str) -> str:
        if name in passed:
            return ""
        if name not in answers:
            return "it gave no answer"
        if answers[name].error == "NotImplementedError":
            return NOT_WRITTEN
        return raised(answers[name], questions[name].of) if answers[name].error else WRONG

    return [
        Verdict(name, name in passed, c.weight, c.testimony, why(name), spoken[f"test_{name}"])
        for name, c in criteria_of(step).items()
    ]


def right(criterion: Criterion, answer: Answer | None, reference: Answer) -> bool:
    """Return whether an answer passes its criterion."""
    return (
        answer is not None
        and not answer.error
        and criterion.accepts(answer.values, reference.values)
    )


def alike(criterion: Criterion, a: Answer, b: Answer) -> bool:
    """Return whether two answers are the same: the same error, or tensors that are alike."""
    if a.error or b.error:
        return a.error == b.error
    return criterion.agree(a.values, b.values)


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
