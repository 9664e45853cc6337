"""The records of results: a step's tests run again only if a file changed that can change the
result.
"""

import contextlib
import hashlib
import json
import platform
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from kata.course.files import cache_folder, write_atomic
from kata.course.loader import Implementation
from kata.course.steps import STEPS, Step
from kata.runner.outcomes import PytestResult

KEPT = 400
"""The number of records that are kept: the latest."""

_unwritten: dict[str, PytestResult] = {}
"""Records that could not be written; they are kept for this process."""


def key_of(root: Path, implementation: Implementation, step: Step) -> str:
    """Return the name of a step's record. It changes with every file that can change the result."""
    tool = [
        root / "tests" / step.test_file,
        *what_tests_import(root, step),
        *(root / "kata" / "runner" / name for name in ("plugin.py", "pytest_run.py")),
        root / "kata" / "course" / "loader.py",
    ]
    how = "assembled" if implementation.assembled else "isolated"
    return f"{step.folder}-{how}-{hashed([*reach(implementation, step), *tool])}"


def what_tests_import(root: Path, step: Step) -> list[Path]:
    """Return the files of the tool that a step's tests, or its questions, may import."""
    kata = root / "kata"
    other_steps = {
        path for s in STEPS if s != step for path in (kata / "criteria").glob(f"{s.folder}*.py")
    }
    rooms = (sorted((kata / room).glob("*.py")) for room in ("given", "testing", "criteria"))
    return [path for room in rooms for path in room if path not in other_steps]


def reach(implementation: Implementation, step: Step) -> list[Path]:
    """Return the files that a step's tests execute: its own, and those of the steps that it
    names.
    """
    neighbours = implementation.path if implementation.path.is_dir() else implementation.path.parent
    if implementation.changes or not implementation.assembled:
        neighbours = implementation.solutions
    found = list(implementation.files[step.number])
    for path in found:  # which grows: a step that is named may name another
        with contextlib.suppress(OSError):
            named = set(re.findall(rb"step\d\d_\w+", path.read_bytes()))
            below = [neighbours / s.file for s in STEPS[: step.number]]
            found += [p for p in below if p.stem.encode() in named and p not in found]
    return found


def hashed(files: Iterable[Path], *more: str) -> str:
    """Return a hash of the files' names and bytes, of the versions of Python and torch, and of
    more texts.
    """
    digest = hashlib.sha256()
    for text in (platform.python_version(), platform.machine(), _version_of_torch(), *more):
        digest.update(text.encode() + b"\0")
    for path in files:
        data = path.read_bytes() if path.is_file() else b"missing"
        digest.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:20]


def recall(key: str) -> PytestResult | None:
    """Return the record of that name, or None."""
    if key in _unwritten:
        return _unwritten[key]
    try:
        data = json.loads((_folder() / f"{key}.json").read_text(encoding="utf-8"))
        return PytestResult.from_dict(data)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(key: str, result: PytestResult) -> None:
    """Keep a record: on disk or, if it cannot be written, in this process."""
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / f"{key}.json", json.dumps(result.to_dict()).encode())
        _unwritten.pop(key, None)
    except OSError:
        _unwritten[key] = result
        return
    with contextlib.suppress(OSError):
        records = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in records[:-KEPT]:
            path.unlink()


def complaint() -> str:
    """Return a sentence about a cache folder that cannot be written, or ""."""
    if not _unwritten:
        return ""
    return (
        f"Results cannot be kept in {cache_folder()}, so the tests run again each time: "
        "set KATA_CACHE to a folder that you can write to."
    )


def _folder() -> Path:
    return cache_folder() / "results"


@cache
def _version_of_torch() -> str:
    return version("torch")
