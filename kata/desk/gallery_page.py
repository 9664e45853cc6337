"""`kata gallery`: one page with the figures of all steps that are done, and the playground."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kata.course.loader import StepError, Transplant
from kata.course.manifest import STEPS, Step
from kata.course.paths import shown
from kata.desk.board import run_missing
from kata.desk.desk import Desk
from kata.desk.easel import Easel
from kata.desk.exhibits import Exhibit
from kata.desk.gallery import hang
from kata.desk.learner import LearnerError
from kata.desk.picture import drawn
from kata.desk.playground import SCALES, measured, walks
from kata.desk.progress import Stage, Stages
from kata.draw.page import figure, frame
from kata.draw.playground import STYLE, section
from kata.train.checkpoints import CheckpointError

NEEDED = (1, 2, 3, 5)
"""The steps without which nothing walks in the playground."""

SECONDS = {"figures": 2.0, "playground": 30.0}
"""About how long a step's figures take, and the playground."""

MARK = "<!-- written by kata gallery -->"


class GalleryError(Exception):
    """There is no page; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Gallery:
    """Where the page lies, what steps are on it, and why something that could be is not."""

    page: Path
    steps: tuple[Step, ...]
    missing: tuple[str, ...]


def gallery(
    desk: Desk, console: Console, out: Path | None = None, checkpoint: str | Path | None = None
) -> Gallery:
    """Draw all of it and write index.html.

    console: where the progress goes; out: the folder (None: checkpoints/runs/gallery/), in which a page of an earlier
    run is replaced; checkpoint: as for `Easel`. Raises GalleryError.
    """
    folder = out or desk.root / "checkpoints" / "runs" / "gallery"
    page = folder / "index.html"
    _demand_place(page)
    steps = done(desk, console)
    if not steps:
        raise GalleryError("No step passes its tests yet, so there is nothing to show: run `kata`.")
    easel = easel_of(desk, steps, checkpoint)
    with Stages(
        console, {n: s * (len(steps) if n == "figures" else 1) for n, s in SECONDS.items()}
    ) as stages:
        with stages.stage("figures", len(steps)) as stage:
            rooms, missing = _rooms(easel, steps, stage)
        with stages.stage("playground", len(SCALES) + 1) as stage:
            playground = _playground(desk, easel, steps, stage.advance)
    if not playground.startswith("<section"):
        missing = (*missing, playground)
        playground = ""
    _write(page, _page(desk, easel, steps, playground, rooms))
    return Gallery(page, steps, missing)


def done(desk: Desk, console: Console) -> tuple[Step, ...]:
    """The steps that pass their tests; what no record is kept of is tested first. The solutions are trusted."""
    if desk.implementation.path == desk.implementation.solutions:
        return STEPS
    run_missing((desk,), console)
    return tuple(step for step in STEPS if step in desk.steps and desk.standing(step).passed)


def easel_of(desk: Desk, steps: tuple[Step, ...], checkpoint: str | Path | None) -> Easel:
    """Those steps among the solutions of all others where there are any, else as they stand."""
    own = desk.implementation
    if own.solutions.is_dir():
        own = Transplant(own.path, [step.number for step in steps])
    return Easel(own, checkpoint)


def _rooms(easel: Easel, steps: tuple[Step, ...], stage: Stage) -> tuple[str, tuple[str, ...]]:
    """The figures as HTML, under the titles of their steps; why some are missing."""
    parts, missing, number = [], [], 0
    shown_already: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for step in steps:
            found = drawn(easel, step)
            missing += [why for why in found if isinstance(why, str)]
            new = [f for f in found if isinstance(f, Exhibit) and f.name not in shown_already]
            shown_already |= {f.name for f in new}
            figures = []
            for picture in hang(new, Path(folder)):
                number += 1
                figures.append(figure(number, picture))
            if figures:
                parts.append(f"<h2>Step {step.number}. {step.title}</h2>\n" + "\n".join(figures))
            stage.advance()
    return "\n".join(parts), tuple(dict.fromkeys(missing))


def _playground(
    desk: Desk, easel: Easel, steps: tuple[Step, ...], advance: Callable[[], None]
) -> str:
    """The playground as HTML, or the sentence why there is none."""
    there = {step.number for step in steps}
    needed = [n for n in NEEDED if n not in there]
    if needed and not desk.implementation.solutions.is_dir():
        return (
            f"The playground needs steps {', '.join(map(str, NEEDED))} to pass, and "
            f"{', '.join(map(str, needed))} {'do' if len(needed) > 1 else 'does'} not yet."
        )
    try:
        return section(walks(easel, advance), measured(easel))
    except (StepError, LearnerError, CheckpointError) as error:
        return str(error)


def _page(desk: Desk, easel: Easel, steps: tuple[Step, ...], playground: str, rooms: str) -> str:
    everything = len(steps) == len(STEPS)
    which = "all ten steps" if everything else f"steps {', '.join(str(s.number) for s in steps)}"
    lead = (
        f"Drawn by {which} in {shown(desk.implementation.path)}"
        + (
            ""
            if everything or not desk.implementation.solutions.is_dir()
            else ", and the solutions of the rest"
        )
        + ", with a diffusion transformer that was trained on handwritten digits by flow matching."
    )
    page = frame("Ask for a digit, and turn the dial", lead, f"{playground}\n{rooms}", "", STYLE)
    return page.replace("<body>", f"<body>\n{MARK}", 1)


def _demand_place(page: Path) -> None:
    """GalleryError where the page cannot go there, or something else would be lost."""
    if page.parent.exists() and not page.parent.is_dir():
        raise GalleryError(f"--out {shown(page.parent)}: it is a file; name a folder.")
    try:
        other = page.exists() and MARK not in page.read_text(encoding="utf-8", errors="replace")
    except OSError:
        other = True
    if other:
        raise GalleryError(
            f"--out {shown(page.parent)}: its index.html is no page of `kata gallery`; name another folder."
        )


def _write(page: Path, text: str) -> None:
    unfinished = page.with_name(f".index.html-{os.getpid()}")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, page)
    except OSError as error:
        raise GalleryError(
            f"The page cannot be written to {shown(page.parent)} ({error.strerror or error}): "
            "name another folder with --out."
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
