"""Which known mistake is it? What the known mistakes answer is kept in the cache folder."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kata.course.files import cache_folder
from kata.course.loader import Implementation
from kata.course.steps import STEPS, Step
from kata.course.variants import Mistake, read_mistake, variants
from kata.learn.workspace import Workspace
from kata.runner.client import WarmRunner
from kata.runner.outcomes import Call, RunResult, hashed, reach

LIMIT = 20.0
"""Seconds after which the probing of a step is ended."""

Told = Callable[[int, int], None]
"""Is told how many of how many mistakes were asked."""


@dataclass(frozen=True)
class Finding:
    """The public name whose answers are those of known mistakes, and the mistakes, the commonest first.

    exactly: whether all answers are theirs, or only most of those that are wrong.
    """

    of: str
    mistakes: tuple[Mistake, ...]
    exactly: bool


def absent(root: Path) -> str:
    """Why there can be no diagnosis here, in one sentence; "" where there can be one."""
    missing = [name for name in ("solutions", "tests/mistakes") if not (root / name).is_dir()]
    return f"No diagnosis: {missing[0]}/ is not part of this copy." if missing else ""


def examine(
    runner: WarmRunner, desk: Workspace, step: Step, result: RunResult, told: Told = lambda *_: None
) -> Finding | None:
    """The known mistakes whose answers a failing step gives; None where it is none of them.

    What the mistakes answer is computed once and kept. Only those are asked whose own tests all fail here.
    """
    candidates = _candidates(desk.root, step, result)
    if not candidates:
        return None
    known = prepare(runner, desk, step, candidates, told)
    solution = desk.root / "solutions" / step.file
    if solution not in known:
        return None
    arguments = {
        "step": step.number,
        "target": str(desk.implementation.path),
        "assembled": desk.assembled_asked,
        "reference": str(known.pop(solution)),
        "known": {str(path): str(file) for path, file in known.items()},
    }
    found = runner.call(Call("kata.criteria.compare:compare_answers", arguments, LIMIT)).value
    if not found:
        return None
    mistakes = tuple(read_mistake(Path(path), step) for path in found["mistakes"])
    return Finding(found["of"], mistakes, found["exactly"])


def prepare(
    runner: WarmRunner,
    desk: Workspace,
    step: Step,
    mistakes: Iterable[Mistake],
    told: Told = lambda *_: None,
) -> dict[Path, Path]:
    """Have the solution and these mistakes answer, those that have not yet; the files of their answers by their own."""
    solution = desk.root / "solutions" / step.file
    asked_with = _asked_with(desk.root, step)
    paths = [solution, *(mistake.path for mistake in mistakes)]
    files = {path: _file_of(step, path, asked_with) for path in paths}
    missing = [path for path, file in files.items() if not file.is_file()]
    if missing:
        # Asked in the warm process itself, the solution brings along all imports that the mistakes need.
        _ask(runner, step, solution, files[solution], lasting=True)
    for number, path in enumerate(missing):
        told(number, len(missing))
        if path != solution:
            _ask(runner, step, path, files[path])
    return {path: file for path, file in files.items() if file.is_file()}


def known_mistakes(root: Path, step: Step) -> list[Mistake]:
    """All known mistakes of a step, where they and the solutions are part of this copy."""
    if absent(root):
        return []
    return [read_mistake(path, step) for path in variants(root, "mistakes", step)]


def _candidates(root: Path, step: Step, result: RunResult) -> list[Mistake]:
    """The mistakes that may be the one: all tests that catch them fail."""
    failed = {outcome.function for outcome in result.failures}
    return [m for m in known_mistakes(root, step) if failed.issuperset(m.caught_by)]


def _file_of(step: Step, path: Path, asked_with: str) -> Path:
    """Where the answers of a solution or a mistake are kept."""
    name = f"{path.stem}-{hashed([path], asked_with)}.answers"
    return cache_folder() / "answers" / step.folder / name


def _ask(runner: WarmRunner, step: Step, path: Path, to: Path, lasting: bool = False) -> None:
    """Have a solution or a mistake answer into a file, in place of older answers; nothing where it cannot be."""
    with contextlib.suppress(OSError):
        to.parent.mkdir(parents=True, exist_ok=True)
        for old in to.parent.glob(f"{path.stem}-{'?' * 20}.answers"):
            old.unlink()
        arguments = {"step": step.number, "target": str(path), "to": str(to)}
        runner.call(Call("kata.criteria.compare:ask_and_write", arguments, LIMIT, lasting))


def _asked_with(root: Path, step: Step) -> str:
    """The hash of all files, but the mistake's own, that decide what it answers."""
    kata = root / "kata"
    others = {p for s in STEPS if s != step for p in (kata / "criteria").glob(f"{s.folder}*.py")}
    return hashed(
        [
            *reach(Implementation(root / "solutions"), step),
            *sorted((kata / "given").glob("*.py")),
            *sorted((kata / "testing").glob("*.py")),
            *(path for path in sorted((kata / "criteria").glob("*.py")) if path not in others),
            Path(__file__),
        ]
    )
