"""What a run of a step's tests came to, as plain data, and the records that are kept of it."""

import contextlib
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kata.course.files import cache_folder, write_atomic
from kata.course.loader import Implementation
from kata.course.steps import STEPS, Step


@dataclass(frozen=True)
class Outcome:
    """One test: passed, failed or skipped; `error` is the exception's class, `message` its text.

    place: `path:line`, the last line of a file under test that the error went through, "" where it went
    through none; printed: the end of what was printed meanwhile. Both are kept of failed tests alone.
    """

    test: str
    outcome: str
    error: str = ""
    message: str = ""
    place: str = ""
    printed: str = ""

    @property
    def function(self) -> str:
        """The name of the test function, without its parameters."""
        return self.test.partition("[")[0]

    @property
    def said_in_words(self) -> bool:
        """Whether the test itself said that something is wrong, rather than stumbled over a crash."""
        return self.outcome == "failed" and self.error in ("AssertionError", "Failed")


@dataclass(frozen=True)
class PytestJob:
    """A run of pytest in the warm runner: its arguments, and the seconds after which it is ended.

    test_limit: the seconds of processor time after which a single test fails, and the run with it; None for
    no such limit. It can interrupt Python alone, and needs a system with alarms (not Windows).
    """

    arguments: tuple[str, ...]
    limit: float = 120.0
    test_limit: float | None = None


@dataclass(frozen=True)
class Call:
    """A function to be called in the warm runner: `package.module:function`, with arguments by name.

    Arguments and result are plain data, as JSON has it. lasting: called in the warm process itself, not in
    a fork of it, so that what it imports is there for all later calls.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    limit: float = 120.0
    lasting: bool = False


@dataclass(frozen=True)
class CallReply:
    """What a call gave back; or `reason`, why it did not."""

    value: Any = None
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class RunResult:
    """What a job came to. `reason` is empty, or says why the job itself did not finish."""

    outcomes: tuple[Outcome, ...] = ()
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = field(default="", repr=False)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "RunResult":
        return cls(
            **{**data, "outcomes": tuple(Outcome(**outcome) for outcome in data["outcomes"])}
        )

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.exit_code == 0

    @property
    def failures(self) -> list[Outcome]:
        """The failed outcomes, in the order of the tests."""
        return [o for o in self.outcomes if o.outcome == "failed"]

    def failed(self, function: str) -> list[Outcome]:
        """The failed outcomes of a test function, over all of its parameters."""
        return [o for o in self.failures if o.function == function]


KEPT = 400
"""So many records are kept, the latest."""


def key_of(root: Path, implementation: Implementation, step: Step) -> str:
    """The name of a step's record: it changes with every file that can change the result."""
    tool = [
        root / "tests" / step.test_file,
        *sorted((root / "kata" / "testing").glob("*.py")),
        *sorted((root / "kata" / "given").glob("*.py")),
        *(root / "kata" / "runner" / name for name in ("plugin.py", "server.py")),
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


def recall(key: str) -> RunResult | None:
    """The record of that name; None where there is none."""
    try:
        data = json.loads((_records_folder() / f"{key}.json").read_text(encoding="utf-8"))
        return RunResult.from_dict(data)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(key: str, result: RunResult) -> None:
    """Keep a record, if there is where to: without it the tests are simply run again."""
    with contextlib.suppress(OSError):
        folder = _records_folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / f"{key}.json", json.dumps(result.to_dict()).encode())
        records = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in records[:-KEPT]:
            path.unlink()


def _records_folder() -> Path:
    return cache_folder() / "results"
