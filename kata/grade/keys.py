"""What a grade depends on, as digests: which grades may stand in one table, and which be kept."""

import hashlib
from pathlib import Path

from kata.course.files import matching_files
from kata.grade.intake import Submission


def course_hash(root: Path) -> str:
    """Return a digest of everything in the course that decides a grade."""
    digest = hashlib.sha256()
    patterns = (
        *("solutions/*.py", "tests/test_step*.py", "tests/mistakes/*/*.py", "kata/given/*.py"),
        *("kata/course/*", "kata/testing/*.py", "kata/criteria/*.py", "kata/grade/**/*.py"),
    )
    for path in matching_files(root, patterns):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def submission_key(submission: Submission, origin: str) -> str:
    """Return a digest of all that a submission's result says; origin: of its GradingRun."""
    digest = hashlib.sha256(f"{origin} {submission.late}".encode())
    for number, text in submission.files.items():
        digest.update(f"\0{number} {len(text)}\0".encode() + text)
    words = [
        *(f"{number} {why}" for number, why in submission.problems.items()),
        *("", submission.refused, submission.person, submission.identifier, *submission.notes),
    ]
    digest.update("\0".join(words).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
