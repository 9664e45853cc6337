"""The doctor: which known mistake is it? What the mistakes answer is kept in the cache folder."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kata.course.loader import Implementation
from kata.course.manifest import STEPS, Step
from kata.course.mistakes import Mistake, read_mistake, variants
from kata.course.paths import cache_folder
from kata.desk.desk import Desk
from kata.run.records import hashed, reach
from kata.run.results import Call, Result
from kata.run.warm import WarmRunner

LIMIT = 20.0
"""Seconds after which the probing of a step is ended."""

Told = Callable[[int, int], None]
"""Is told how many of how many mistakes were asked."""


@dataclass(frozen=True)
class Finding:
    """The public name whose answers are those of known mistakes, and the mistakes, the commonest first."""

    of: str
    mistakes: tuple[Mistake, ...]


def absent(root: Path) -> str:
    """Why there can be no diagnosis here, in one sentence; "" where there can be one."""
    missing = [name for name in ("solutions", "tests/mistakes") if not (root / name).is_dir()]
    return f"No diagnosis: {missing[0]}/ is not part of this copy." if missing else ""


def examine(
    runner: WarmRunner, desk: Desk, step: Step, result: Result, told: Told = lambda *_: None
) -> Finding | None:
    """The known mistakes whose answers a failing step gives; None where it is none of them.

    What the mistakes answer is computed once and kept. Only those are asked whose own tests all fail here.
    """
    candidates = _candidates(desk.root, step, result)
    if not candidates or absent(desk.root):
        return None
    solution = desk.root / "solutions" / step.file
    wanted = [solution, *(mistake.path for mistake in candidates)]
    runner.call(Call("kata.desk.answers:get_ready", {"step": step.number}, lasting=True))
    asked_with = _asked_with(desk.root, step)
    files: dict[Path, Path] = {}
    for number, path in enumerate(wanted):
        told(number, len(wanted))
        if (file := _answers_of(runner, step, path, asked_with)) is not None:
            files[path] = file
    if solution not in files:
        return None
    arguments = {
        "step": step.number,
        "target": str(desk.implementation.path),
        "assembled": desk.assembled_asked,
        "reference": str(files.pop(solution)),
        "known": {str(path): str(file) for path, file in files.items()},
    }
    found = runner.call(Call("kata.desk.answers:compare", arguments, LIMIT)).value
    if not found:
        return None
    return Finding(found["of"], tuple(read_mistake(Path(p), step) for p in found["mistakes"]))


def _candidates(root: Path, step: Step, result: Result) -> list[Mistake]:
    """The mistakes that may be the one: all tests that catch them fail."""
    failed = {outcome.function for outcome in result.failures}
    known = (read_mistake(path, step) for path in variants(root, "mistakes", step))
    return [mistake for mistake in known if failed.issuperset(mistake.caught_by)]


def _answers_of(runner: WarmRunner, step: Step, path: Path, asked_with: str) -> Path | None:
    """The file with what a solution or a mistake answers, made where it is not there yet; None where it cannot be."""
    folder = cache_folder() / "answers" / step.folder
    file = folder / f"{path.stem}-{hashed([path], asked_with)}.safetensors"
    if file.is_file():
        return file
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        arguments = {"step": step.number, "target": str(path), "to": str(file)}
        runner.call(Call("kata.desk.answers:ask_and_write", arguments, LIMIT))
        for old in folder.glob(f"{path.stem}-{'?' * 20}.safetensors"):
            if old != file:
                old.unlink()
    return file if file.is_file() else None


def _asked_with(root: Path, step: Step) -> str:
    """The hash of all files, but the mistake's own, that decide what it answers."""
    checks = root / "kata" / "checks"
    others = {f"{s.folder}.py" for s in STEPS if s != step}
    return hashed(
        [
            *reach(Implementation(root / "solutions"), step),
            *sorted(checks.glob("*.py")),
            *(path for path in sorted((checks / "probes").glob("*.py")) if path.name not in others),
            *sorted((root / "kata" / "given").glob("*.py")),
            root / "kata" / "desk" / "answers.py",
        ]
    )
