"""`kata picture`: a step's figures by the learner's code, beside those of the reference and of a
known mistake.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from kata.course import KataError
from kata.course.files import shown, write_atomic
from kata.course.loader import Transplant
from kata.course.steps import Step
from kata.course.variants import Mistake
from kata.figures.columns import ABREAST, Column, side_by_side
from kata.learn.check import demand_file
from kata.learn.examine import known_finding
from kata.learn.kit import PictureKit
from kata.learn.messages import say, say_indented
from kata.learn.pictures import figures_of_step
from kata.learn.plane import moving_plane
from kata.learn.workspace import Workspace
from kata.pages import render


def show_on_screen(path: Path) -> bool:
    """Open a file with the system's own program, and return whether that was possible.

    It is not in continuous integration, nor without a screen.
    """
    if os.environ.get("CI"):
        return False
    if sys.platform == "win32":
        try:
            os.startfile(path)
        except OSError:  # no program for it
            return False
        return True
    has_screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if not has_screen or opener is None:
        return False
    try:
        subprocess.Popen(
            [opener, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True


class PictureError(KataError):
    """There is no picture; the message is one sentence that says why and what to do."""


def draw_step(
    workspace: Workspace,
    step: Step,
    console: Console,
    out: Path | None = None,
    checkpoint: str | Path | None = None,
    on_screen: bool = True,
) -> Path:
    """Draw a step's picture into a PNG, say where it is, and open it if there is a screen.

    out: None is a file named like the step under checkpoints/runs/pictures/; checkpoint: as for
    `PictureKit`. If the step has a moving picture, a page with it is written beside the PNG. Raise
    PictureError, or WorkspaceError if there is no file of that step.
    """
    demand_file(workspace, step)
    if not workspace.written(step):
        raise PictureError(
            f"Nothing is written in {shown(workspace.file(step))} yet: `kata hint {step.number}` helps to begin."
        )
    path = out or workspace.root / "checkpoints" / "runs" / "pictures" / f"{step.name}.png"
    own, solutions = workspace.implementation.path, workspace.implementation.solutions

    def kit(source: Path) -> PictureKit:
        """The step of `source` among the solutions of the others; without solutions, as it
        stands.
        """
        alone = workspace.implementation
        among = Transplant(source, [step.number]) if solutions.is_dir() else alone
        return PictureKit(among, checkpoint)

    def column(heading: str, below: str, source: Path) -> Column:
        return Column(heading, below, figures_of_step(kit(source), step))

    heading = "the reference" if own == solutions else "yours"
    columns = [column(heading, shown(workspace.file(step)), own)]
    if all(isinstance(figure, str) for figure in columns[0].figures):
        raise PictureError(columns[0].complaints[0])
    if solutions.is_dir() and own != solutions:
        columns.append(column("the reference", shown(solutions / step.file), solutions))
        if mistake := _known_mistake(workspace, step):
            columns = _beside(columns, column(MISTAKE, mistake.diagnosis, mistake.path))
    _write(path, side_by_side(columns))
    page = None
    if step.number in MOVING_PICTURES:
        text = MOVING_PICTURES[step.number](kit(own), columns[0])
        page = path.with_suffix(".html") if text else None
        if page and text:
            _write(page, text)
            say(console, "page", f"{shown(page)}    it moves: open it in a browser")
    say(console, "see", shown(path))
    say_indented(console, _explanation(workspace, step, columns), 7)
    if on_screen:
        show_on_screen(page or path)
    return path


MISTAKE = "a known mistake"


def _known_mistake(workspace: Workspace, step: Step) -> Mistake | None:
    """Return the mistake that an earlier diagnosis of the file as it is found; nothing is run."""
    result = workspace.standing(step).result
    finding = known_finding(workspace, step, result) if result else None
    return finding.mistakes[0] if finding else None


def _beside(columns: Sequence[Column], mistake: Column) -> list[Column]:
    """Add the column of a known mistake, or say at the first column that it looks the same."""
    own, reference = columns
    if mistake.complaints:
        return [own, reference]
    if own.looks_like(mistake):
        below = f"{own.below}. This is exactly the picture of {MISTAKE}: {mistake.below}"
        return [Column(own.heading, below, own.figures), reference]
    return [own, reference, mistake]


def _plane_page(kit: PictureKit, column: Column) -> str | None:
    """Return the page on which step 0 moves, with the still figures below; None if it fails."""
    try:
        moving = moving_plane(kit)
    except KataError:  # the still picture says why
        return None
    figures = [figure for figure in column.figures if not isinstance(figure, str)]
    return render("plane_page.html", drawn_by=column.below, plane=moving, figures=figures)


MOVING_PICTURES = {0: _plane_page}
"""The pages of steps whose picture moves, by number."""


def _write(path: Path, content: bytes | str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
    except OSError as error:
        raise PictureError(
            f"The picture cannot be written to {shown(path)} ({error.strerror or error}): "
            "name another file with --out."
        ) from None


def _explanation(workspace: Workspace, step: Step, columns: Sequence[Column]) -> list[str]:
    """Who drew which column, and why something is missing."""
    abreast = ", ".join(column.heading for column in columns[:ABREAST])
    lines = [f"from left to right: {abreast}" if len(columns) > 1 else abreast]
    lines += [f"below: {column.heading}: {column.below}" for column in columns[ABREAST:]]
    lines += [column.below for column in columns[:1] if MISTAKE in column.below]
    lines += [f"not drawn: {why}" for why in columns[0].complaints]
    own, standing = workspace.implementation, workspace.standing(step)
    if not own.solutions.is_dir():
        lines.append("The reference is absent here: solutions/ is not part of this copy.")
    elif own.path != own.solutions and standing.result is None:
        command = f"kata check {step.number}{own.options()}"
        lines.append(f"Not tested since it was saved: `{command}` looks for a known mistake.")
    return lines
