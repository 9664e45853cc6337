"""`kata hint`, `kata solution`, `kata reset`: help that is asked for, and a new start."""

import contextlib
import difflib
import hashlib
import json
import os
import re
import shutil
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from kata.course.files import cache_folder, shown, write_atomic
from kata.course.steps import Step
from kata.course.stubs import stub_text
from kata.learn.messages import say, say_indented
from kata.learn.workspace import Workspace, WorkspaceError
from kata.runner.client import WarmRunner

HINT_LEVELS = ("a question", "a pointer", "nearly code")


def give_hint(desk: Workspace, step: Step, console: Console, level: int | None = None) -> None:
    """Give one hint: that level (1 to 3) or, for None, the next that was not given yet. After the third, it again."""
    given = hints_given(desk, step)
    shown_level = level or min(given + 1, len(HINT_LEVELS))
    remember_hints(desk, step, max(given, shown_level))
    console.print(
        f"Step {step.number}, hint {shown_level} of {len(HINT_LEVELS)}: {HINT_LEVELS[shown_level - 1]}",
        style="bold",
        highlight=False,
    )
    console.print()
    say_indented(console, _lines(step, shown_level), by=2)
    console.print()
    say(console, "file", desk.where(step))
    if shown_level < len(HINT_LEVELS):
        say(console, "next", f"kata hint {step.number}")
    else:
        say(console, "next", f"kata solution {step.number} --spoil, if you must")


def _lines(step: Step, level: int) -> list[str]:
    """A hint line by line; prose with a line a paragraph, which ends where a line ends with a sentence."""
    text = step.hints[level - 1]
    if level == len(HINT_LEVELS):
        return text.splitlines()
    return re.sub(r"(?<![.?])\n", " ", text).splitlines()


def hints_given(desk: Workspace, step: Step) -> int:
    """How many hints of a step were given in this copy of the course."""
    return _remembered(desk).get(step.folder, 0)


def remember_hints(desk: Workspace, step: Step, level: int) -> None:
    """Note that so many hints of a step were given; without a cache folder to write to it is forgotten."""
    with contextlib.suppress(OSError):
        path = _memory(desk)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps({**_remembered(desk), step.folder: level}).encode())


def show_solution(desk: Workspace, step: Step, console: Console, spoil: bool) -> bool:
    """Show how the solution differs from a person's file, after it passes or where it is to be spoilt; whether it was.

    Raises DeskError where there is no solution.
    """
    path = desk.root / "solutions" / step.file
    if not path.is_file():
        raise WorkspaceError(
            f"There is no solution to step {step.number} in this copy of the course."
        )
    if not spoil and not _passes(desk, step):
        say(console, "", f"Step {step.number} does not pass yet, and the solution would spoil it.")
        say(console, "next", f"kata hint {step.number}, or kata solution {step.number} --spoil")
        return False
    own = (desk.text(step) or "").splitlines()
    theirs = path.read_text(encoding="utf-8").splitlines()
    names = shown(desk.file(step)), shown(path)
    lines = list(difflib.unified_diff(own, theirs, *names, lineterm=""))
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        console.print(Text(line, style=styles.get(line[:1], "")), soft_wrap=True)
    if not lines:
        console.print(f"Your file is the solution, to the letter: {names[1]}.", highlight=False)
    return True


def reset_step(desk: Workspace, step: Step, console: Console) -> None:
    """Put the stub back in place of a step's file, which is kept beside it under a name of its own.

    Raises DeskError where that cannot be done; the file is then as it was.
    """
    path = desk.file(step)
    stub = _stub(desk, step)
    before = path.read_bytes() if path.is_file() else None
    if before == stub.encode():
        console.print(f"{shown(path)} is the stub already.", highlight=False)
        return
    try:
        kept = _backup(path) if before is not None else None
        write_atomic(path, stub.encode())
    except OSError as error:
        raise WorkspaceError(
            f"{shown(path)} cannot be reset ({error.strerror}): make its folder writable; "
            "the file is as it was."
        ) from None
    if kept:
        say(console, "kept", shown(kept))
    say(console, "stub", desk.where(step))


def _passes(desk: Workspace, step: Step) -> bool:
    standing = desk.standing(step)
    if standing.is_known:
        return standing.passed
    with WarmRunner(desk.root, workers=1, training=False) as runner:
        return desk.run(runner, step).passed


def _stub(desk: Workspace, step: Step) -> str:
    """The stub of a step, made from its solution or, where there is none, from the person's own file."""
    path = desk.root / "solutions" / step.file
    path = path if path.is_file() else desk.file(step)
    try:
        return stub_text(path.read_text(encoding="utf-8"), step)
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
        raise WorkspaceError(
            f"The stub of step {step.number} cannot be made here: solutions/ is not part of this copy, and "
            f"{shown(path)} cannot be read as Python; take the file from where you got the course."
        ) from None


def _backup(path: Path) -> Path:
    """Copy a file beside itself, to a name that nothing has yet."""
    stamp = f"{path.name}.bak-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while True:
        kept = path.with_name(stamp if number == 1 else f"{stamp}-{number}")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(kept, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            shutil.copyfile(path, kept)
            return kept
        number += 1


def _memory(desk: Workspace) -> Path:
    course = hashlib.sha256(str(desk.root).encode()).hexdigest()[:12]
    return cache_folder() / "hints" / f"{course}.json"


def _remembered(desk: Workspace) -> dict[str, int]:
    with contextlib.suppress(OSError, ValueError):
        data = json.loads(_memory(desk).read_text(encoding="utf-8"))
        if isinstance(data, dict):
            return {str(k): v for k, v in data.items() if isinstance(v, int)}
    return {}
