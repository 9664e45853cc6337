"""`kata hint`, `kata solution`, `kata reset`: help on request, and a new start."""

import contextlib
import difflib
import os
import re
import shutil
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from kata.course.files import shown, source_text, write_atomic
from kata.course.steps import Step
from kata.course.stubs import stub_text
from kata.learn.memory import remember, remembered
from kata.learn.messages import say, say_indented
from kata.learn.workspace import Workspace, WorkspaceError
from kata.runner.client import WarmRunner

HINT_LEVELS = ("a question", "a pointer", "nearly code")


def give_hint(workspace: Workspace, step: Step, console: Console, level: int | None = None) -> None:
    """Print one hint: that level (1 to 3), or (None) the next one; after the third, the third
    again.
    """
    given = hints_given(workspace, step)
    shown_level = level or min(given + 1, len(HINT_LEVELS))
    is_remembered = remember_hints(workspace, step, max(given, shown_level))
    console.print(
        f"Step {step.number}, hint {shown_level} of {len(HINT_LEVELS)}: {HINT_LEVELS[shown_level - 1]}",
        style="bold",
        highlight=False,
    )
    console.print()
    say_indented(console, _lines(step, shown_level), by=2)
    console.print()
    say(console, "file", workspace.where(step))
    if shown_level < len(HINT_LEVELS):
        level_option = "" if is_remembered else f" --level {shown_level + 1}"
        say(console, "next", f"kata hint {step.number}{level_option}")
    else:
        say(console, "next", f"kata solution {step.number} --spoil, if you must")


def _lines(step: Step, level: int) -> list[str]:
    """Return a hint line by line: code as it is; prose with one line per paragraph."""
    text = step.hints[level - 1]
    if level == len(HINT_LEVELS):
        return text.splitlines()
    return re.sub(r"(?<![.?])\n", " ", text).splitlines()


def hints_given(workspace: Workspace, step: Step) -> int:
    """Return how many hints of a step were given in this copy of the course."""
    number = remembered(workspace.root, "hints", step)
    return number if isinstance(number, int) else 0


def remember_hints(workspace: Workspace, step: Step, level: int) -> bool:
    """Note how many hints of a step were given. Return whether the note outlasts this process."""
    return remember(workspace.root, "hints", step, level)


def show_solution(workspace: Workspace, step: Step, console: Console, spoil: bool) -> bool:
    """Print how the solution differs from a person's file, once that passes. Return whether it did.

    spoil: print it in any case. Raise WorkspaceError if there is no solution.
    """
    path = workspace.root / "solutions" / step.file
    if not path.is_file():
        raise WorkspaceError(
            f"There is no solution to step {step.number} in this copy of the course."
        )
    if not spoil and not passes(workspace, step):
        say(console, "", f"Step {step.number} does not pass yet, and the solution would spoil it.")
        say(console, "next", f"kata hint {step.number}, or kata solution {step.number} --spoil")
        return False
    own = (workspace.text(step) or "").splitlines()
    theirs = source_text(path).splitlines()
    names = shown(workspace.file(step)), shown(path)
    lines = list(difflib.unified_diff(own, theirs, *names, lineterm=""))
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        console.print(Text(line, style=styles.get(line[:1], "")), soft_wrap=True)
    if not lines:
        console.print(f"Your file is the solution, letter by letter: {names[1]}.", highlight=False)
    console.print()
    console.print("Why it is so", style="bold")
    say_indented(console, list(step.why), by=2)
    return True


def reset_step(workspace: Workspace, step: Step, console: Console) -> None:
    """Put the stub back in place of a step's file, of which a copy is kept beside it.

    Raise WorkspaceError if that cannot be done; the file is then as it was.
    """
    path = workspace.file(step)
    stub = _stub(workspace, step)
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
    say(console, "stub", workspace.where(step))


def passes(workspace: Workspace, step: Step) -> bool:
    """Return whether a step passes its tests; run them if that is not known."""
    standing = workspace.standing(step)
    if standing.is_known:
        return standing.passed
    with WarmRunner(workspace.root, workers=1, training=False) as runner:
        return workspace.run(runner, step).passed


def _stub(workspace: Workspace, step: Step) -> str:
    """Return the stub of a step, made from its solution or, without one, from the person's file."""
    path = workspace.root / "solutions" / step.file
    path = path if path.is_file() else workspace.file(step)
    try:
        return stub_text(source_text(path), step)
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
        raise WorkspaceError(
            f"The stub of step {step.number} cannot be made here: solutions/ is not part of this copy, and "
            f"{shown(path)} cannot be read as Python. Take the file from where you got the course."
        ) from None


def _backup(path: Path) -> Path:
    """Copy a file beside itself, under a new name."""
    stamp = f"{path.name}.bak-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while True:
        kept = path.with_name(stamp if number == 1 else f"{stamp}-{number}")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(kept, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            shutil.copyfile(path, kept)
            return kept
        number += 1
