"""`kata picture`: a step's figures by the learner's code, beside the reference's, and those of a mistake like it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rich.console import Console

from kata.course.errors import KataError
from kata.course.files import shown
from kata.course.loader import StepError, Transplant
from kata.course.steps import Step
from kata.course.variants import Mistake
from kata.figures.captions import CaptionedFigure
from kata.figures.columns import Column, write_beside
from kata.learn.check import demand_file, worth_examining
from kata.learn.examine import absent, examine
from kata.learn.messages import say, say_indented
from kata.learn.pictures import STEP_PICTURES, PictureKit
from kata.learn.workspace import Workspace
from kata.runner.client import WarmRunner
from kata.train.checked_steps import StepCallError
from kata.train.checkpoints import CheckpointError


class _GivenUp(Exception):
    pass


class BackgroundDiagnosis:
    """Asks, from `__enter__` on, in a thread and a process of their own; `mistake` says what came of it.

    Nothing is asked where the step is known to pass, or there is nothing to compare with.
    """

    def __init__(self, desk: Workspace, step: Step) -> None:
        self.desk, self.step = desk, step
        self.in_time = True
        self._runner: WarmRunner | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._found: Future[Mistake | None] | None = None

    def __enter__(self) -> "BackgroundDiagnosis":
        standing, own = self.desk.standing(self.step), self.desk.implementation
        is_learners = standing.written and own.path != own.solutions
        if is_learners and not standing.passed and not absent(self.desk.root):
            self._runner = WarmRunner(self.desk.root, workers=1, training=False).__enter__()
            self._pool = ThreadPoolExecutor(1)
            self._found = self._pool.submit(self._look)
        return self

    def mistake(self, until: float) -> Mistake | None:
        """The known mistake whose answers the step gives, or None; until: of time.monotonic(), when to give up.

        Afterwards `in_time` says whether there was time to find out.
        """
        if self._found is None:
            return None
        try:
            return self._found.result(max(0.0, until - time.monotonic()))
        except NotInTime:
            self.in_time = False
            return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner and self._pool and self._found:
            self._found.cancel()
            self.in_time = self.in_time and self._found.done()
            self._runner.stop()
            self._runner.__exit__(kind, error, trace)
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> Mistake | None:
        assert self._runner is not None
        standing = self.desk.standing(self.step)
        result = standing.result or self.desk.run(self._runner, self.step)
        if result.passed or not worth_examining(result):
            return None
        finding = examine(self._runner, self.desk, self.step, result, self._go_on)
        return finding.mistakes[0] if finding else None

    def _go_on(self, done: int, all_: int) -> None:
        if not self.in_time:
            raise _GivenUp


def show_on_screen(path: Path) -> bool:
    """Whether the file was handed over: never in continuous integration, nor without a screen."""
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
"""Seconds from the start on, after which no diagnosis is waited for."""


class PictureError(KataError):
    """There is no picture; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Drawing:
    """A step's figures by one implementation; a text, why, stands for one that cannot be drawn."""

    heading: str
    below: str
    figures: Sequence[CaptionedFigure | str]

    @property
    def complaints(self) -> list[str]:
        """Why figures are missing, each reason once."""
        return list(dict.fromkeys(f for f in self.figures if isinstance(f, str)))

    @property
    def column(self) -> Column:
        """The drawing, as it stands in the picture."""
        figures = [f if isinstance(f, str) else f.draw() for f in self.figures]
        return Column(self.heading, self.below, figures)


def draw_step(
    desk: Workspace,
    step: Step,
    console: Console,
    out: Path | None = None,
    checkpoint: str | Path | None = None,
    on_screen: bool = True,
) -> Path:
    """Draw a step's picture into a PNG, say where it is, and open it where there is a screen.

    out: None is a file of the step's name under checkpoints/runs/pictures/; checkpoint: as for `Easel`. Raises
    PictureError, or DeskError where there is no file of that step.
    """
    began = time.monotonic()
    demand_file(desk, step)
    if not desk.written(step):
        raise PictureError(
            f"Nothing is written in {shown(desk.file(step))} yet: `kata hint {step.number}` helps to begin."
        )
    path = out or desk.root / "checkpoints" / "runs" / "pictures" / f"{step.name}.png"
    with BackgroundDiagnosis(desk, step) as lookalike:
        drawings = [yours(desk, step, checkpoint)]
        if all(isinstance(figure, str) for figure in drawings[0].figures):
            raise PictureError(drawings[0].complaints[0])
        if has_reference(desk):
            drawings.append(reference(desk, step, checkpoint))
            if mistake := lookalike.mistake(began + DIAGNOSIS_PATIENCE):
                drawings[1:1] = like(mistake, checkpoint)
    _write_picture(drawings, path)
    say(console, "see", shown(path))
    _say_what_it_shows(console, desk, step, drawings, lookalike.in_time)
    if on_screen:
        show_on_screen(path)
    return path


def has_reference(desk: Workspace) -> bool:
    """Whether there is something to draw beside: not in a copy without solutions/, nor for the solutions themselves."""
    solutions = desk.implementation.solutions
    return solutions.is_dir() and desk.implementation.path != solutions


def yours(desk: Workspace, step: Step, checkpoint: str | Path | None) -> Drawing:
    """The learner's own step, among the solutions of all others where there are any."""
    own = desk.implementation
    if own.solutions.is_dir():
        own = Transplant(own.path, [step.number])
    heading = "yours" if own.path != own.solutions else "the reference"
    return Drawing(
        heading, shown(desk.file(step)), figures_of_step(PictureKit(own, checkpoint), step)
    )


def reference(desk: Workspace, step: Step, checkpoint: str | Path | None) -> Drawing:
    """The solution's."""
    solutions = desk.implementation.solutions
    easel = PictureKit(Transplant(solutions, [step.number]), checkpoint)
    return Drawing("the reference", shown(solutions / step.file), figures_of_step(easel, step))


def like(mistake: Mistake, checkpoint: str | Path | None) -> list[Drawing]:
    """The known mistake's; nothing where it cannot be drawn."""
    easel = PictureKit(Transplant(mistake.path, [mistake.step.number]), checkpoint)
    drawing = Drawing("a known mistake", mistake.diagnosis, figures_of_step(easel, mistake.step))
    return [] if drawing.complaints else [drawing]


def figures_of_step(easel: PictureKit, step: Step) -> list[CaptionedFigure | str]:
    """A step's figures; the sentence why not, in place of each that cannot be drawn."""
    figures: list[CaptionedFigure | str] = []
    for sketch in STEP_PICTURES[step.number]:
        try:
            figures.append(sketch(easel))
        except (StepError, StepCallError, CheckpointError) as error:
            figures.append(str(error))
    return figures


def _write_picture(drawings: Sequence[Drawing], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside([drawing.column for drawing in drawings], path)
    except OSError as error:
        raise PictureError(
            f"The picture cannot be written to {shown(path)} ({error.strerror or error}): "
            "name another file with --out."
        ) from None


def _say_what_it_shows(
    console: Console, desk: Workspace, step: Step, drawings: Sequence[Drawing], in_time: bool
) -> None:
    """Who drew which column, and why something is missing."""
    lines = ["from left to right: " + ", ".join(drawing.heading for drawing in drawings)]
    if len(drawings) == 1:
        lines = [drawings[0].heading]
    lines += [d.below for d in drawings if d.heading == "a known mistake"]
    lines += [f"not drawn: {why}" for why in drawings[0].complaints]
    if not desk.implementation.solutions.is_dir():
        lines.append("The reference is absent here: solutions/ is not part of this copy.")
    if not in_time:
        lines.append(f"The diagnosis took too long: run `kata check {step.number}`, then this.")
    say_indented(console, lines, 7)
