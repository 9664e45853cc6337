"""Every known mistake is caught by the tests that it names; every alternative passes."""

import ast
import re
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.course.variants import all_mistakes, variants
from kata.runner.outcomes import PytestJob, PytestResult

ROOT = find_root()
MISTAKES = all_mistakes(ROOT)
ALTERNATIVES = [path for step in STEPS for path in variants(ROOT, "alternatives", step)]


@pytest.fixture(scope="module")
def results(runner, request) -> dict[Path, PytestResult]:
    """One run of its step's tests for every variant that was asked for, all cores at work."""
    chosen = {
        i.callspec.params["variant"]
        for i in request.session.items
        if i.fspath == request.fspath and hasattr(i, "callspec")
    }
    jobs = {}
    for mistake in MISTAKES:
        if mistake.path in chosen:
            test = f"tests/{mistake.step.test_file}"
            jobs[mistake.path] = (
                "--impl",
                str(mistake.path),
                *(f"{test}::{name}" for name in mistake.caught_by),
            )
    for path in ALTERNATIVES:
        if path in chosen:
            jobs[path] = ("--impl", str(path))
    return dict(
        zip(
            jobs, runner.run_all([PytestJob(arguments) for arguments in jobs.values()]), strict=True
        )
    )


@pytest.mark.parametrize("variant", [m.path for m in MISTAKES], ids=[m.name for m in MISTAKES])
def test_mistake_is_caught(results, variant):
    """Each named test fails and says why in words; a crash counts only where the file says that
    it crashes.
    """
    mistake = next(m for m in MISTAKES if m.path == variant)
    result = results[variant]
    assert not result.reason, result.reason
    for name in mistake.caught_by:
        failures = result.failed(name)
        assert failures, f"{name} accepts {mistake.name}: {mistake.diagnosis}\n{result.output}"
        if not mistake.crashes:
            assert any(o.said_in_words for o in failures), (
                f"{name} only crashes: {failures[0].error}: {failures[0].message}"
            )


@pytest.mark.parametrize("variant", ALTERNATIVES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_alternative_passes(results, variant):
    """A right answer in another style passes every test of its step."""
    result = results[variant]
    assert result.exit_code == 0, result.reason + result.output


def test_there_are_enough_of_them():
    """110 mistakes in all, 10 for each of steps 0 to 7, 5 for each of 8 to 10; 3 alternatives a
    step.
    """
    for step in STEPS:
        mistakes = [m for m in MISTAKES if m.step == step]
        assert len(mistakes) >= (10 if step.number <= 7 else 5), step.name
        assert len(variants(ROOT, "alternatives", step)) >= 3, step.name
    assert len(MISTAKES) >= 110


@pytest.mark.parametrize(
    "variant", [m.path for m in MISTAKES] + ALTERNATIVES, ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_variant_changes_only_what_the_step_has(variant):
    """A variant's file explains itself and redefines something of its solution."""
    solution = (
        ROOT / "solutions" / next(s.file for s in STEPS if s.folder == variant.parent.name)
    ).read_text(encoding="utf-8")
    tree = ast.parse(variant.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert any(re.search(rf"^(def|class) {name}\b", solution, re.MULTILINE) for name in defined), (
        defined
    )
