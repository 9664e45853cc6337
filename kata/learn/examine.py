"""The diagnosis: which known mistake gives the same answers? Their answers are kept in the cache
folder.
"""

import atexit
import contextlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kata.course.files import cache_folder
from kata.course.loader import Implementation
from kata.course.steps import Step
from kata.course.variants import Mistake, read_mistake, variants
from kata.learn.workspace import Workspace
from kata.runner.outcomes import Call, PytestResult
from kata.runner.records import hashed, keep, key_of, reach, what_tests_import

if TYPE_CHECKING:
    from kata.runner.client import WarmRunner

LIMIT = 20.0
"""Seconds after which a step that answers questions is ended."""

Told = Callable[[int, int], None]
"""Called with the number of mistakes that have answered, and of all."""


@dataclass(frozen=True)
class Finding:
    """The public name whose answers are those of known mistakes, and the mistakes, the most common
    first.

    exactly: whether all answers are theirs, or only most of the wrong ones.
    """

    of: str
    mistakes: tuple[Mistake, ...]
    exactly: bool


def absent(root: Path) -> str:
    """Return why there can be no diagnosis in this copy, in one sentence; "" if there can be
    one.
    """
    missing = [name for name in ("solutions", "tests/mistakes") if not (root / name).is_dir()]
    return f"No diagnosis: {missing[0]}/ is not part of this copy." if missing else ""


def examine(
    runner: "WarmRunner",
    workspace: Workspace,
    step: Step,
    result: PytestResult,
    told: Told = lambda *_: None,
) -> Finding | None:
    """Return the known mistakes whose answers a failing step gives, or None.

    Only those mistakes are compared whose own tests all fail here. Their answers are kept, and so
    is what is found, with the result.
    """
    if finding := known_finding(workspace, step, result):
        return finding
    key = key_of(workspace.root, workspace.implementation, step)
    candidates = _candidates(workspace.root, step, result)
    if not candidates:
        return None
    known = prepare(runner, workspace, step, candidates, told)
    solution = workspace.root / "solutions" / step.file
    if solution not in known:
        return None
    arguments = {
        "step": step.number,
        "target": str(workspace.implementation.path),
        "assembled": workspace.implementation.asked_assembled,
        "reference": str(known.pop(solution)),
        "known": {str(path): str(file) for path, file in known.items()},
    }
    found = runner.call(Call("kata.criteria.diagnosis:compare_answers", arguments, LIMIT)).value
    if not found:
        return None
    root = workspace.root / "tests" / "mistakes"
    names = [Path(path).relative_to(root).as_posix() for path in found["mistakes"]]
    result = replace(result, finding={**found, "mistakes": names})
    if key == key_of(workspace.root, workspace.implementation, step):
        keep(key, result)
    return known_finding(workspace, step, result)


def known_finding(workspace: Workspace, step: Step, result: PytestResult) -> Finding | None:
    """Return what was found for a result, or None if nothing was found or looked for."""
    if result.finding is None:
        return None
    root = workspace.root / "tests" / "mistakes"
    paths = [root / name for name in result.finding["mistakes"]]
    if not all(path.is_file() for path in paths):
        return None
    mistakes = tuple(read_mistake(path, step) for path in paths)
    return Finding(result.finding["of"], mistakes, result.finding["exactly"])


def prepare(
    runner: "WarmRunner",
    workspace: Workspace,
    step: Step,
    mistakes: Iterable[Mistake],
    told: Told = lambda *_: None,
) -> dict[Path, Path]:
    """Let the solution and these mistakes answer, if they did not yet. Return the files of
    answers.
    """
    solution = workspace.root / "solutions" / step.file
    asked_with = _asked_with(workspace.root, step)
    paths = [solution, *(mistake.path for mistake in mistakes)]
    files = {path: _file_of(step, path, asked_with) for path in paths}
    missing = [path for path, file in files.items() if not file.is_file()]
    if missing:
        # In the warm process itself: what the solution imports is there for the mistakes.
        _ask(runner, step, solution, files[solution], lasting=True)
    for number, path in enumerate(missing):
        told(number, len(missing))
        if path != solution:
            _ask(runner, step, path, files[path])
    return {path: file for path, file in files.items() if file.is_file()}


def known_mistakes(root: Path, step: Step) -> list[Mistake]:
    """Return all known mistakes of a step; none if they or the solutions are not in this copy."""
    if absent(root):
        return []
    return [read_mistake(path, step) for path in variants(root, "mistakes", step)]


def _candidates(root: Path, step: Step, result: PytestResult) -> list[Mistake]:
    """Return the mistakes that it may be: all tests that catch them fail."""
    failed = {outcome.function for outcome in result.failures}
    return [m for m in known_mistakes(root, step) if failed.issuperset(m.caught_by)]


def _file_of(step: Step, path: Path, asked_with: str) -> Path:
    """Return where the answers of a solution or a mistake are kept."""
    name = f"{path.stem}-{hashed([path], asked_with)}.answers"
    return _answers_folder(cache_folder() / "answers") / step.folder / name


@cache
def _answers_folder(folder: Path) -> Path:
    """Return the folder of all answers or, if it cannot be made, a temporary one for this
    process.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        temporary = tempfile.TemporaryDirectory(prefix="kata-answers-")
        atexit.register(temporary.cleanup)
        return Path(temporary.name)
    return folder


def _ask(runner: "WarmRunner", step: Step, path: Path, to: Path, lasting: bool = False) -> None:
    """Let a solution or a mistake answer into a file, in place of older answers, if it can be
    written.
    """
    with contextlib.suppress(OSError):
        to.parent.mkdir(parents=True, exist_ok=True)
        for old in to.parent.glob(f"{path.stem}-{'?' * 20}.answers"):
            old.unlink()
        arguments = {"step": step.number, "target": str(path), "to": str(to)}
        runner.call(Call("kata.criteria.diagnosis:ask_and_write", arguments, LIMIT, lasting))


def _asked_with(root: Path, step: Step) -> str:
    """Return the hash of all files, but the mistake's own, that determine its answers."""
    solution = reach(Implementation(root / "solutions"), step)
    return hashed([*solution, *what_tests_import(root, step), Path(__file__)])
