"""What the playground shows, computed beforehand: samples at every digit, noise, scale and time, as small pictures."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from kata.course.errors import KataError
from kata.course.files import shown, write_atomic
from kata.course.loader import StepError, Transplant
from kata.course.steps import STEPS, Step
from kata.figures.captions import CaptionedFigure
from kata.figures.curve import Curve
from kata.figures.whole_run import write_figures
from kata.learn.board import run_missing
from kata.learn.draw import figures_of_step
from kata.learn.pictures import PICTURE_SEED, PictureKit
from kata.learn.workspace import Workspace
from kata.pages.page import figure, frame
from kata.pages.playground import STYLE, Walks, section
from kata.train.checked_steps import StepCallError
from kata.train.checkpoints import CheckpointError
from kata.train.metrics import labels_of_least_loss
from kata.train.pipeline import CLASSES
from kata.train.progress import Stage, Stages
from kata.train.samplers import Velocity, euler

PLAYGROUND_SCALES = (0, 0.5, 1, 1.5, 2, 3, 4, 5, 7)
NOISES = 4
NUM_STEPS, SHOWN_EVERY = 24, 3
PAIRS = 2
"""Of times and noises, by which the model says as what it reads a sample."""


@dataclass
class _Notes:
    """Follows a velocity, and notes the points at which it is asked and where each would lead to in one step."""

    velocity: Velocity

    def __post_init__(self) -> None:
        self.points: list[Tensor] = []
        self.ends: list[Tensor] = []

    def __call__(self, x: Tensor, t: float) -> Tensor:
        v = self.velocity(x, t)
        self.points.append(x)
        self.ends.append(x - t * v)
        return v


def walks(easel: PictureKit, advance: Callable[[], None] = lambda: None) -> Walks:
    """Every digit from the same noises at all SCALES, by step 3's guided velocity; advance: called after each scale."""
    studio = easel.studio
    labels = torch.arange(CLASSES).repeat_interleave(NOISES)
    noise = easel.artist(3).noise(NOISES).repeat(CLASSES, 1, 1, 1)
    points, ends = [], []
    for scale in PLAYGROUND_SCALES:
        notes = _Notes(studio.velocity(labels, scale))
        last = euler(notes, noise, NUM_STEPS)
        points.append(torch.stack([*notes.points[::SHOWN_EVERY], last]))
        ends.append(torch.stack([*notes.ends[::SHOWN_EVERY], last]))
        advance()
    read = labels_of_least_loss(
        studio.model, torch.cat([part[-1] for part in ends]), CLASSES, PICTURE_SEED, PAIRS
    ).view(len(PLAYGROUND_SCALES), CLASSES, NOISES)
    times = [1 - i / NUM_STEPS for i in range(0, NUM_STEPS + 1, SHOWN_EVERY)]
    return Walks(
        PLAYGROUND_SCALES, times, _arranged(points), _arranged(ends), read.permute(1, 2, 0).numpy()
    )


def _arranged(scales: list[Tensor]) -> np.ndarray:
    """S tensors `(T, digits * noises, C, H, W)` to the first channels as `(digits, noises, T, S, H, W)`."""
    images = torch.stack(scales)[:, :, :, 0].unflatten(2, (CLASSES, NOISES))
    return images.permute(2, 3, 1, 0, 4, 5).numpy()


def measured(easel: PictureKit) -> Curve | None:
    """Fidelity and diversity over the scale, from the evaluation that lies beside the checkpoint; else None."""
    try:
        text = (easel.trained.folder / "evaluation.json").read_text(encoding="utf-8")
        report = json.loads(text)
        rows = report["scales"]
        return Curve(
            [float(row["scale"]) for row in rows],
            [float(row["read_as_asked"]) for row in rows],
            [float(row["spread"]) for row in rows],
            float(report["real"]["read_as_asked"]),
            float(report["real"]["spread"]),
            int(rows[0]["samples"]),
        )
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


NEEDED = (1, 2, 3, 5)
"""The steps without which nothing walks in the playground."""

SECONDS = {"figures": 2.0, "playground": 30.0}
"""About how long a step's figures take, and the playground."""

MARK = "<!-- written by kata gallery -->"


class GalleryError(KataError):
    """There is no page; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Gallery:
    """Where the page lies, what steps are on it, and why something that could be is not."""

    page: Path
    steps: tuple[Step, ...]
    missing: tuple[str, ...]


def write_gallery(
    desk: Workspace, console: Console, out: Path | None = None, checkpoint: str | Path | None = None
) -> Gallery:
    """Draw all of it and write index.html.

    console: where the progress goes; out: the folder (None: checkpoints/runs/gallery/), in which a page of an earlier
    run is replaced; checkpoint: as for `Easel`. Raises GalleryError.
    """
    folder = out or desk.root / "checkpoints" / "runs" / "gallery"
    page = folder / "index.html"
    _demand_place(page)
    steps = passed_steps(desk, console)
    if not steps:
        raise GalleryError("No step passes its tests yet, so there is nothing to show: run `kata`.")
    easel = easel_of(desk, steps, checkpoint)
    with Stages(
        console, {n: s * (len(steps) if n == "figures" else 1) for n, s in SECONDS.items()}
    ) as stages:
        with stages.stage("figures", len(steps)) as stage:
            rooms, missing = _rooms(easel, steps, stage)
        with stages.stage("playground", len(PLAYGROUND_SCALES) + 1) as stage:
            playground = _playground(desk, easel, steps, stage.advance)
    if not playground.startswith("<section"):
        missing = (*missing, playground)
        playground = ""
    _write_page(page, _page(desk, easel, steps, playground, rooms))
    return Gallery(page, steps, missing)


def passed_steps(desk: Workspace, console: Console) -> tuple[Step, ...]:
    """The steps that pass their tests; what no record is kept of is tested first. The solutions are trusted."""
    if desk.implementation.path == desk.implementation.solutions:
        return STEPS
    run_missing((desk,), console)
    return tuple(step for step in STEPS if step in desk.steps and desk.standing(step).passed)


def easel_of(desk: Workspace, steps: tuple[Step, ...], checkpoint: str | Path | None) -> PictureKit:
    """Those steps among the solutions of all others where there are any, else as they stand."""
    own = desk.implementation
    if own.solutions.is_dir():
        own = Transplant(own.path, [step.number for step in steps])
    return PictureKit(own, checkpoint)


def _rooms(easel: PictureKit, steps: tuple[Step, ...], stage: Stage) -> tuple[str, tuple[str, ...]]:
    """The figures as HTML, under the titles of their steps; why some are missing."""
    parts, missing, number = [], [], 0
    shown_already: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for step in steps:
            found = figures_of_step(easel, step)
            missing += [why for why in found if isinstance(why, str)]
            new = [
                f for f in found if isinstance(f, CaptionedFigure) and f.name not in shown_already
            ]
            shown_already |= {f.name for f in new}
            figures = []
            for picture in write_figures(new, Path(folder)):
                number += 1
                figures.append(figure(number, picture))
            if figures:
                parts.append(f"<h2>Step {step.number}. {step.title}</h2>\n" + "\n".join(figures))
            stage.advance()
    return "\n".join(parts), tuple(dict.fromkeys(missing))


def _playground(
    desk: Workspace, easel: PictureKit, steps: tuple[Step, ...], advance: Callable[[], None]
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
    except (StepError, StepCallError, CheckpointError) as error:
        return str(error)


def _page(
    desk: Workspace, easel: PictureKit, steps: tuple[Step, ...], playground: str, rooms: str
) -> str:
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


def _write_page(page: Path, text: str) -> None:
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(page, text)
    except OSError as error:
        raise GalleryError(
            f"The page cannot be written to {shown(page.parent)} ({error.strerror or error}): "
            "name another folder with --out."
        ) from None
