"""The final test as a learner sees it: what it prints, where its page is, and who is at fault."""

import io
import shutil
import subprocess
import sys

import pytest
from rich.console import Console

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.lab.at_fault import say_steps_at_fault
from kata.learn.workspace import Workspace
from kata.runner.outcomes import Outcome, PytestResult
from kata.runner.records import keep, key_of

ROOT = find_root()
PASSED = PytestResult((Outcome("test_a", "passed"),), 0)
FAILED = PytestResult((Outcome("test_a", "failed"),), 1)

TINY = """
import sys
from dataclasses import replace
import pytest
from kata.lab import demo
from kata.train.presets import RECIPES
small = dict(rounds=2, batches_per_round=3, classifier_epochs=1, num_steps=2, per_class=2)
RECIPES["digits"] = replace(RECIPES["digits"], **small, most_loss=100.0)
if sys.argv[1] == "met":
    demo.expectations = lambda *_: []
sys.exit(pytest.main(["-p", "no:cacheprovider", "tests/final/test_digits.py", *sys.argv[2:]]))
"""
"""Runs the final test with a recipe that takes seconds; `met` leaves out what that cannot meet."""


@pytest.fixture
def finished(course):
    """A course whose exercises are all written, with the final tests, and results that passed."""
    shutil.copytree(
        ROOT / "tests" / "final",
        course / "tests" / "final",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for step in STEPS:
        shutil.copy(course / "solutions" / step.file, course / "exercises")
    record(course, *STEPS)
    return course


def record(course, *steps, result=PASSED):
    """Keep a result of steps of exercises/."""
    for step in steps:
        keep(key_of(course, Workspace().implementation, step), result)


def final(course, *arguments):
    """What the final test prints, and its exit code."""
    command = [sys.executable, "-c", TINY, *arguments]
    run = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr, run.returncode


def pages(course):
    return [
        path.relative_to(course).as_posix() for path in course.glob("checkpoints/runs/*/*.html")
    ]


def test_the_final_test_shows_the_table_and_says_where_the_page_is(finished):
    """Also if it passes: the table while it runs, the page in the last line, in a folder that
    stays.
    """
    said, code = final(finished, "met")
    assert code == 0, said
    assert "exercises/ (assembled)" in said
    assert "read as asked" in said
    assert "holds   average loss of the last 5 epochs" in said
    (page,) = pages(finished)
    assert said.splitlines()[-1] == f"page: {page}"
    assert "1 passed" in said.splitlines()[-2]


def test_a_missed_expectation_names_the_steps_at_fault(finished):
    """By the results of their own tests, in one sentence; the page is there nonetheless."""
    record(finished, STEPS[3], STEPS[6], result=FAILED)
    said, code = final(finished, "all")
    assert code == 1
    words = " ".join(said.split())
    assert "An expectation was missed: see the lines that begin with `missed`." in words
    assert "Steps 3 and 6 do not pass their own tests: begin with `kata check 3`." in words
    assert "missed  read as asked" in said
    assert said.splitlines()[-1] == f"page: {pages(finished)[0]}"


def test_a_step_that_fails_is_named_with_the_steps_at_fault(finished):
    """The sentence about the error, then who does not pass; no page is promised."""
    file = finished / "exercises" / STEPS[4].file
    wrong = (
        "\n\ndef drop_labels(y, drop_prob, null_class, generator=None):\n    return y.nonsense\n"
    )
    file.write_text(file.read_text(encoding="utf-8") + wrong, encoding="utf-8")
    record(finished, STEPS[4], result=FAILED)
    said, code = final(finished, "all")
    assert code == 1
    words = " ".join(said.split())
    assert "in drop_labels (step 4): AttributeError" in words
    assert "Step 4 does not pass its own tests: begin with `kata check 4`." in words
    assert pages(finished) == []
    assert "page:" not in said


def test_an_unwritten_step_is_one_sentence(course, finished):
    """It is the one to write; nobody else is blamed."""
    subprocess.run(
        [sys.executable, "-m", "kata", "reset", "3"], cwd=course, check=True, capture_output=True
    )
    said, code = final(finished, "all")
    assert code == 1
    assert "is not written yet (step 3, " in " ".join(said.split())
    assert "own tests" not in said


def test_one_file_is_no_course(finished):
    """The final test wants all ten steps."""
    said, code = final(finished, "all", "--impl", f"exercises/{STEPS[3].file}")
    assert code == 1
    assert "the final test wants a folder with all ten steps" in said


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ((), "Every step passes its own tests: `pytest --assembled` tests them together."),
        ((7,), "Step 7 does not pass its own tests: begin with `kata check 7`."),
        ((2, 5, 9), "Steps 2, 5 and 9 do not pass their own tests: begin with `kata check 2`."),
    ],
)
def test_the_steps_at_fault_in_a_sentence(finished, failing, sentence):
    """Results that are known are not made again."""
    record(finished, *(STEPS[n] for n in failing), result=FAILED)
    progress = io.StringIO()
    assert say_steps_at_fault("exercises", Console(file=progress)) == sentence
    assert progress.getvalue() == ""


def test_what_is_not_known_is_tested(finished):
    """A step that was saved since is run again, and found wrong."""
    file = finished / "exercises" / STEPS[2].file
    text = file.read_text(encoding="utf-8")
    formula = "return time_embedding + class_embedding"
    assert formula in text
    file.write_text(text.replace(formula, formula.replace("+", "-")), encoding="utf-8")
    sentence = say_steps_at_fault("exercises", Console(file=io.StringIO()))
    assert sentence == "Step 2 does not pass its own tests: begin with `kata check 2`."
