"""Classroom 50: one student's grade as the `result.json` that its runner publishes.

The form is `classroom50/result/v1`, as github.com/foundation50/classroom50 has it: the page
"Advanced Autograding" of its wiki, and `validate_result` in `runner.py`. The points are integers.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kata.course.steps import step_by_number
from kata.grade.output import write_report
from kata.grade.reports import feedback_text
from kata.grade.results import StepResult, SubmissionResult
from kata.grade.run import GradingError


def write_classroom50(
    out: Path, found: Sequence[SubmissionResult], environment: Mapping[str, str]
) -> None:
    """Write result.json and release-body.md into a folder of results.

    environment: the variables that Classroom 50's runner sets. Raise GradingError if there is not
    one submission, or if it was not graded: the runner then reports an error and no points.
    """
    if len(found) != 1:
        raise GradingError(
            f"--classroom50 is for the clone of one student, and these are {len(found)} submissions."
        )
    (result,) = found
    if result.status != "graded":
        why = result.refused or "the grader failed; try again with --resume"
        raise GradingError(f"There is no result.json, because nothing was graded: {why}.")
    data = classroom50_result(result, environment)
    write_report(out / "result.json", json.dumps(data, indent=1) + "\n")
    write_report(out / "release-body.md", _release_body(data))


def classroom50_result(result: SubmissionResult, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return a graded submission in the form `classroom50/result/v1`.

    What the environment lacks is "unknown"; the runner writes the owner and the dates itself.
    """

    def known(*names: str, default: str = "unknown") -> str:
        return next((environment[name] for name in names if environment.get(name)), default)

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    commit = known("COMMIT_URL")
    tests = [_test(s) for s in result.steps]
    return {
        "schema": "classroom50/result/v1",
        "classroom": known("CLASSROOM"),
        "assignment": known("ASSIGNMENT"),
        "assignment_type": known("ASSIGNMENT_TYPE", default="individual"),
        "owner": known("OWNER", "USERNAME", default=result.identifier or result.name),
        "submission": known("SUBMISSION_TAG", default="submit/unknown"),
        "commit": commit,
        "release": known("RELEASE_URL"),
        "review": known("REVIEW_URL", default=commit),
        "datetime": now,
        "graded_at": now,
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }


def _test(s: StepResult) -> dict[str, Any]:
    """A step as a test: its points to the nearest integer, and all of them only if none is lost."""
    most = int(s.out_of)
    passed = s.points == s.out_of
    return {
        "test-name": f"{s.step}. {step_by_number(s.step).title}",
        "passed": passed,
        "score": most if passed else min(round(s.points), most - 1),
        "max-score": most,
        "points": s.points,
        "output": feedback_text(s),
    }


def _release_body(data: Mapping[str, Any]) -> str:
    """What the student reads: the points, and why some were lost, as text that is not formatted."""
    lines = [f"### {data['score']} of {data['max-score']} points", ""]
    for test in data["tests"]:
        lines += [f"#### {test['test-name']}: {test['score']} of {test['max-score']}", ""]
        lines += [f"    {line}" for line in test["output"].splitlines()] + [""]
    return "\n".join(lines)
