"""`kata picture`: a step's figures by the learner's code, beside those of the reference and of a
known mistake.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from pathlib import Path

from rich.console import Console

from kata.course import KataError
from kata.course.files import shown, write_atomic
from kata.course.loader import Transplant
from kata.course.steps import Step
from kata.course.variants import Mistake
from kata.figures.columns import Column, side_by_side
from kata.learn.check import demand_file, worth_examining
from kata.learn.examine import absent, examine
from kata.learn.kit import PictureKit
from kata.learn.messages import say, say_indented
from kata.learn.pictures import figures_of_step
from kata.learn.workspace import Workspace
from kata.runner.client import WarmRunner


class _GivenUp(Exception):
    pass


class BackgroundDiagnosis:
    """Looks for the known mistake, while it is entered, in a thread and a process of its own.

    It does not look if the step is known to pass, or if there is nothing to compare with.
    """

    def __init__(self, workspace: Workspace, step: Step) -> None:
        self.workspace, self.step = workspace, step
        self.in_time = True
        self._runner: WarmRunner | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._found: Future[Mistake | None] | None = None

    def __enter__(self) -> "BackgroundDiagnosis":
        standing, own = self.workspace.standing(self.step), self.workspace.implementation
        is_learners = standing.written and own.path != own.solutions
        if is_learners and not standing.passed and not absent(self.workspace.root):
            self._runner = WarmRunner(self.workspace.root, workers=1, training=False).__enter__()
            self._pool = ThreadPoolExecutor(1)
            self._found = self._pool.submit(self._look)
        return self

    def mistake(self, until: float) -> Mistake | None:
        """Return the known mistake that gives the same answers as the step, or None.

        until: of time.monotonic(), when to give up. Afterwards `in_time` says if that was enough.
        """
        if self._found is None:
            return None
        try:
            return self._found.result(max(0.0, until - time.monotonic()))
        except NotInTime:
            self.in_time = False
            return None

    def __exit__(self, *error: object) -> None:
        if self._runner and self._pool and self._found:
            self._found.cancel()
            self.in_time = self.in_time and self._found.done()
            self._runner.stop()
            self._runner.__exit__(*error)
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> Mistake | None:
        assert self._runner is not None
        standing = self.workspace.standing(self.step)
        result = standing.result or self.workspace.run(self._runner, self.step)
        if result.passed or not worth_examining(result):
            return None
        finding = examine(self._runner, self.workspace, self.step, result, self._go_on)
        return finding.mistakes[0] if finding else None

    def _go_on(self, done: int, all_: int) -> None:
        if not self.in_time:
            raise _GivenUp


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


DIAGNOSIS_PATIENCE = 5.0
"""Seconds from the start, after which the picture is drawn without a diagnosis."""


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
    `PictureKit`. Raise PictureError, or WorkspaceError if there is no file of that step.
    """
    began = time.monotonic()
    demand_file(workspace, step)
    if not workspace.written(step):
        raise PictureError(
            f"Nothing is written in {shown(workspace.file(step))} yet: `kata hint {step.number}` helps to begin."
        )
    path = out or workspace.root / "checkpoints" / "runs" / "pictures" / f"{step.name}.png"
    own, solutions = workspace.implementation.path, workspace.implementation.solutions

    def column(heading: str, below: str, source: Path) -> Column:
        """The step of `source` among the solutions of the others; without solutions, as it
        stands.
        """
        among = (
            Transplant(source, [step.number]) if solutions.is_dir() else workspace.implementation
        )
        return Column(heading, below, figures_of_step(PictureKit(among, checkpoint), step))

    with BackgroundDiagnosis(workspace, step) as diagnosis:
        heading = "the reference" if own == solutions else "yours"
        columns = [column(heading, shown(workspace.file(step)), own)]
        if all(isinstance(figure, str) for figure in columns[0].figures):
            raise PictureError(columns[0].complaints[0])
        if solutions.is_dir() and own != solutions:
            columns.append(column("the reference", shown(solutions / step.file), solutions))
            if mistake := diagnosis.mistake(began + DIAGNOSIS_PATIENCE):
                third = column(MISTAKE, mistake.diagnosis, mistake.path)
                columns[1:1] = [] if third.complaints else [third]
    _write_picture(columns, path)
    say(console, "see", shown(path))
    say_indented(console, _explanation(workspace, step, columns, diagnosis.in_time), 7)
    if on_screen:
        show_on_screen(path)
    return path


MISTAKE = "a known mistake"


def _write_picture(columns: Sequence[Column], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, side_by_side(columns))
    except OSError as error:
        raise PictureError(
            f"The picture cannot be written to {shown(path)} ({error.strerror or error}): "
            "name another file with --out."
        ) from None


def _explanation(
    workspace: Workspace, step: Step, columns: Sequence[Column], in_time: bool
) -> list[str]:
    """Who drew which column, and why something is missing."""
    headings = ", ".join(column.heading for column in columns)
    lines = [f"from left to right: {headings}" if len(columns) > 1 else headings]
    lines += [column.below for column in columns if column.heading == MISTAKE]
    lines += [f"not drawn: {why}" for why in columns[0].complaints]
    if not workspace.implementation.solutions.is_dir():
        lines.append("The reference is absent here: solutions/ is not part of this copy.")
    if not in_time:
        lines.append(f"The diagnosis took too long: run `kata check {step.number}`, then this.")
    return lines
