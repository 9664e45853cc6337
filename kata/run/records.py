"""Records: what the tests of a step came to, kept in the cache folder under the hash of everything that was tested."""

import contextlib
import hashlib
import json
import os
import platform
import re
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from kata.course.loader import Implementation
from kata.course.manifest import STEPS, Step
from kata.course.paths import cache_folder
from kata.run.results import Result

KEPT = 400
"""So many records are kept, the latest."""


def key_of(root: Path, implementation: Implementation, step: Step) -> str:
    """The name of a step's record: it changes with every file that can change the result."""
    tool = [
        root / "tests" / step.test_file,
        *sorted((root / "kata" / "checks").glob("*.py")),
        *sorted((root / "kata" / "given").glob("*.py")),
        *(root / "kata" / "run" / name for name in ("plugin.py", "session.py")),
        root / "kata" / "course" / "loader.py",
    ]
    how = "assembled" if implementation.assembled else "isolated"
    return f"{step.folder}-{how}-{hashed([*reach(implementation, step), *tool])}"


def reach(implementation: Implementation, step: Step) -> list[Path]:
    """The files that a step's tests execute: its own, and every step's below it that it names, directly or not."""
    neighbours = implementation.path if implementation.path.is_dir() else implementation.path.parent
    if implementation.changes or not implementation.assembled:
        neighbours = implementation.solutions
    found = list(implementation.files[step.number])
    for path in found:
        with contextlib.suppress(OSError):
            named = set(re.findall(rb"step\d\d_\w+", path.read_bytes()))
            below = [neighbours / s.file for s in STEPS[: step.number - 1]]
            found += [p for p in below if p.stem.encode() in named and p not in found]
    return found


def hashed(files: Iterable[Path], *more: str) -> str:
    """A hash of the files' names and bytes, of the versions of Python and torch, and of some texts more."""
    digest = hashlib.sha256()
    for text in (platform.python_version(), platform.machine(), version("torch"), *more):
        digest.update(text.encode() + b"\0")
    for path in files:
        data = path.read_bytes() if path.is_file() else b"missing"
        digest.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:20]


def recall(key: str) -> Result | None:
    """The record of that name; None where there is none."""
    try:
        data = json.loads((_folder() / f"{key}.json").read_text(encoding="utf-8"))
        return Result.from_dict(data)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(key: str, result: Result) -> None:
    """Keep a record, if there is where to: without it the tests are simply run again."""
    with contextlib.suppress(OSError):
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{key}.json", json.dumps(result.to_dict()).encode())
        records = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in records[:-KEPT]:
            path.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all; OSError where it cannot be."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _folder() -> Path:
    return cache_folder() / "results"
