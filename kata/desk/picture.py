"""`kata picture`: a step's figures by the learner's code, beside the reference's, and those of a mistake like it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kata.course.loader import StepError, Transplant
from kata.course.manifest import Step
from kata.course.mistakes import Mistake
from kata.course.paths import shown
from kata.desk.check import demand_file
from kata.desk.desk import Desk
from kata.desk.easel import Easel
from kata.desk.exhibits import Exhibit
from kata.desk.learner import LearnerError
from kata.desk.lookalike import Lookalike
from kata.desk.screen import show_on_screen
from kata.desk.sketches import SKETCHES
from kata.desk.verdict import say, say_indented
from kata.draw.compare import Column, write_beside
from kata.train.checkpoints import CheckpointError

PATIENCE = 5.0
"""Seconds from the start on, after which no diagnosis is waited for."""


class PictureError(Exception):
    """There is no picture; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Drawing:
    """A step's figures by one implementation; a text, why, stands for one that cannot be drawn."""

    heading: str
    below: str
    figures: Sequence[Exhibit | str]

    @property
    def complaints(self) -> list[str]:
        """Why figures are missing, each reason once."""
        return list(dict.fromkeys(f for f in self.figures if isinstance(f, str)))

    @property
    def column(self) -> Column:
        """The drawing, as it stands in the picture."""
        figures = [f if isinstance(f, str) else f.draw() for f in self.figures]
        return Column(self.heading, self.below, figures)


def picture(
    desk: Desk,
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
    with Lookalike(desk, step) as lookalike:
        drawings = [yours(desk, step, checkpoint)]
        if all(isinstance(figure, str) for figure in drawings[0].figures):
            raise PictureError(drawings[0].complaints[0])
        if has_reference(desk):
            drawings.append(reference(desk, step, checkpoint))
            if mistake := lookalike.mistake(began + PATIENCE):
                drawings[1:1] = like(mistake, checkpoint)
    _write(drawings, path)
    say(console, "see", shown(path))
    _say_what_it_shows(console, desk, step, drawings, lookalike.in_time)
    if on_screen:
        show_on_screen(path)
    return path


def has_reference(desk: Desk) -> bool:
    """Whether there is something to draw beside: not in a copy without solutions/, nor for the solutions themselves."""
    solutions = desk.implementation.solutions
    return solutions.is_dir() and desk.implementation.path != solutions


def yours(desk: Desk, step: Step, checkpoint: str | Path | None) -> Drawing:
    """The learner's own step, among the solutions of all others where there are any."""
    own = desk.implementation
    if own.solutions.is_dir():
        own = Transplant(own.path, [step.number])
    heading = "yours" if own.path != own.solutions else "the reference"
    return Drawing(heading, shown(desk.file(step)), drawn(Easel(own, checkpoint), step))


def reference(desk: Desk, step: Step, checkpoint: str | Path | None) -> Drawing:
    """The solution's."""
    solutions = desk.implementation.solutions
    easel = Easel(Transplant(solutions, [step.number]), checkpoint)
    return Drawing("the reference", shown(solutions / step.file), drawn(easel, step))


def like(mistake: Mistake, checkpoint: str | Path | None) -> list[Drawing]:
    """The known mistake's; nothing where it cannot be drawn."""
    easel = Easel(Transplant(mistake.path, [mistake.step.number]), checkpoint)
    drawing = Drawing("a known mistake", mistake.diagnosis, drawn(easel, mistake.step))
    return [] if drawing.complaints else [drawing]


def drawn(easel: Easel, step: Step) -> list[Exhibit | str]:
    """A step's figures; the sentence why not, in place of each that cannot be drawn."""
    figures: list[Exhibit | str] = []
    for sketch in SKETCHES[step.number]:
        try:
            figures.append(sketch(easel))
        except (StepError, LearnerError, CheckpointError) as error:
            figures.append(str(error))
    return figures


def _write(drawings: Sequence[Drawing], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside([drawing.column for drawing in drawings], path)
    except OSError as error:
        raise PictureError(
            f"The picture cannot be written to {shown(path)} ({error.strerror or error}): "
            "name another file with --out."
        ) from None


def _say_what_it_shows(
    console: Console, desk: Desk, step: Step, drawings: Sequence[Drawing], in_time: bool
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
