"""Classroom 50: `result.json` as its runner and its collector accept it, and the template."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from kata.course.files import find_root
from kata.course.steps import GRADED_STEPS, step_by_number
from kata.grade import autograder
from kata.grade.classroom50 import classroom50_result, write_classroom50
from kata.grade.results import StepResult, SubmissionResult
from kata.grade.run import GradingError

from .conftest import lacking_for_strict, run_kata

ROOT = find_root()
ISOLATION = "process" if lacking_for_strict() else "strict"
RUNNER = {
    "CLASSROOM": "lesson-42",
    "ASSIGNMENT": "guidance",
    "ASSIGNMENT_TYPE": "individual",
    "OWNER": "ann",
    "SUBMISSION_TAG": "submit/2026-10-01T14-32-05Z-a1b2c3d",
    "COMMIT_URL": "https://github.com/org/lesson-42-guidance-ann/commit/a1b2c3d",
    "RELEASE_URL": "https://github.com/org/lesson-42-guidance-ann/releases/tag/submit",
    "REVIEW_URL": "https://github.com/org/lesson-42-guidance-ann/compare/0...a1b2c3d",
}


def result(*points, **fields):
    steps = tuple(
        StepResult(s.number, p, float(s.points), p, True, "2 of 9 criteria fail")
        for s, p in zip(GRADED_STEPS, points, strict=True)
    )
    return SubmissionResult("ann", "key", sum(points), 100.0, 0.0, steps=steps, **fields)


FULL = [float(step.points) for step in GRADED_STEPS]


def check(data):
    """What the runner and the collector demand of a result."""
    assert data["schema"] == "classroom50/result/v1"
    for name in ("classroom", "assignment", "owner", "commit", "release", "review", "datetime"):
        assert isinstance(data[name], str)
        assert data[name]
    assert data["assignment_type"] in ("individual", "group", "team")
    assert data["submission"].startswith("submit/")
    for scored in (data, *data["tests"]):
        assert type(scored["score"]) is type(scored["max-score"]) is int
        assert 0 <= scored["score"] <= scored["max-score"]
    for test in data["tests"]:
        assert type(test["passed"]) is bool
        assert test["test-name"]
    assert data["score"] == sum(test["score"] for test in data["tests"])
    assert data["max-score"] == sum(test["max-score"] for test in data["tests"]) == 100
    assert len(data["tests"]) == len(GRADED_STEPS)


@pytest.mark.parametrize("environment", [RUNNER, {}], ids=["by the runner", "by hand"])
def test_a_result_is_as_the_runner_demands(environment):
    """With all that the runner says, and without."""
    for points in (FULL, [0.0] * 10, [p - 0.01 for p in FULL], [0.4] * 10):
        check(classroom50_result(result(*points), environment))


def test_full_points_are_for_full_marks_alone():
    """A hundredth of a point that is lost shows."""
    data = classroom50_result(result(*FULL), RUNNER)
    assert (data["score"], {t["passed"] for t in data["tests"]}) == (100, {True})
    data = classroom50_result(result(FULL[0] - 0.01, *FULL[1:]), RUNNER)
    assert (data["score"], data["tests"][0]["passed"]) == (99, False)
    assert (data["tests"][0]["score"], data["tests"][0]["points"]) == (7, 7.99)
    assert (data["owner"], data["classroom"]) == ("ann", "lesson-42")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "these are 0 submissions"),
        ([result(*FULL), replace(result(*FULL), name="bob")], "these are 2 submissions"),
        ([result(*FULL, error="a bad day")], "the grader failed"),
        ([result(*FULL, refused="it is no zip")], "it is no zip"),
    ],
)
def test_what_was_not_graded_has_no_result(tmp_path, found, words):
    """A sentence, and no file: a failure of the grader's own is no 0."""
    with pytest.raises(GradingError, match=words):
        write_classroom50(tmp_path, found, RUNNER)
    assert list(tmp_path.iterdir()) == []


def test_a_clone_is_graded(tmp_path):
    """`kata grade --classroom50` writes it beside the other results, and says what was lost."""
    clone = tmp_path / "lesson-42-guidance-ann"
    (clone / "exercises").mkdir(parents=True)
    step = step_by_number(3)
    shutil.copy(ROOT / "solutions" / step.file, clone / "exercises")
    options = ("--isolation", ISOLATION, "--classroom50")
    run = run_kata(ROOT, "grade", str(clone), "--out", str(tmp_path / "out"), *options, **RUNNER)
    assert run.returncode == 0, run.stderr
    data = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    check(data)
    assert data["score"] == step.points
    body = (tmp_path / "out" / "release-body.md").read_text(encoding="utf-8")
    assert f"### {step.points} of 100 points" in body
    assert f"    no {step_by_number(4).file} was handed in" in body


@pytest.fixture
def course(tmp_path):
    """A course whose `kata grade` writes what it was given, or nothing."""
    program = tmp_path / "course" / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$PWD/grade.py" "$@"\n')
    program.chmod(0o755)
    return tmp_path / "course"


WRITES = """
import sys
from pathlib import Path
folder, out = Path(sys.argv[4]), Path(sys.argv[sys.argv.index("--out") + 1])
assert sys.argv[1:4] == ["-m", "kata", "grade"] and "--classroom50" in sys.argv
out.mkdir()
(out / "result.json").write_text(repr(sorted(p.name for p in (folder / "ann").iterdir())))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_the_template_hands_the_clone_over(course, tmp_path, monkeypatch):
    """As one submission, without what the student left in place of a result."""
    monkeypatch.setenv("OWNER", "ann")
    (course / "grade.py").write_text(WRITES, encoding="utf-8")
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    (clone / "step03_guidance.py").write_text("", encoding="utf-8")
    (clone / "release-body.md").mkdir()
    (clone / "result.json").symlink_to(tmp_path / "elsewhere")
    assert autograder.grade_clone(clone, course) == 0
    assert (clone / "result.json").read_text(encoding="utf-8") == "['step03_guidance.py']"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_result_that_the_student_wrote_does_not_count(course, tmp_path):
    """If the grader writes none, there is none, and the exit code says so."""
    (course / "grade.py").write_text("raise SystemExit(2)", encoding="utf-8")
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "result.json").write_text('{"score": 100}', encoding="utf-8")
    assert autograder.grade_clone(clone, course) == 1
    assert not (clone / "result.json").exists()


def test_the_template_needs_nothing_but_python(tmp_path):
    """The runner calls it by itself, with the Python of its machine."""
    script = shutil.copy(ROOT / "kata" / "grade" / "autograder.py", tmp_path)
    command = [sys.executable, "-I", "-S", script]
    where = {**os.environ, "KATA_COURSE": str(tmp_path / "absent")}
    (tmp_path / "clone").mkdir()
    run = subprocess.run(
        command, cwd=tmp_path / "clone", env=where, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "ImportError" not in run.stderr
    assert "KATA_COURSE" in run.stderr
