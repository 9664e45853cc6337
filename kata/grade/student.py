"""The students' copy: everything a learner needs; no solutions, no mistakes, no verdicts, no grader."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from kata.course.manifest import STEPS
from kata.course.stubs import write_stubs

TAKEN = (
    *("README.md", "LICENSE", "pyproject.toml", ".gitignore", ".github/picture.png"),
    *("exercises/README.md", "tests/test_step*.py", "tests/final/**/*"),
    *("kata/**/*.py", "kata/**/*.html", "kata/**/*.toml", "kata/**/*.json", "checkpoints/**/*"),
)
LEFT_OUT = ("kata/checks/verdicts", "kata/grade", "checkpoints/runs")


class CopyError(Exception):
    """The copy cannot be made; the message says why and what to do."""


def write_student_copy(root: Path, folder: Path) -> int:
    """Make the copy with fresh stubs in exercises/; the number of its files. Nothing is overwritten."""
    if not (root / "solutions").is_dir():
        raise CopyError("The stubs are made from solutions/, which is not here: use a whole clone.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CopyError(f"{folder} exists already and is not empty: name a new folder.")
    if root.resolve() in folder.resolve().parents:
        raise CopyError(f"{folder} lies in the course itself: name a folder outside of it.")
    count = 0
    for path in learners_files(root):
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        count += 1
    write_stubs(root, folder / "exercises")
    return count + len(STEPS)


def learners_files(root: Path) -> Iterator[Path]:
    """The files of a course that a learner gets, but for the stubs."""
    seen = set()
    for pattern in TAKEN:
        for path in sorted(root.glob(pattern)):
            place = path.relative_to(root).as_posix()
            left_out = any(place.startswith(f"{folder}/") for folder in LEFT_OUT)
            if path.is_file() and not left_out and "__pycache__" not in place and path not in seen:
                seen.add(path)
                yield path
