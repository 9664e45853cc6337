"""`kata gallery`: one page with the figures of all steps that pass, and a playground."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from kata.course import KataError
from kata.course.files import shown, write_atomic
from kata.course.loader import Transplant
from kata.course.steps import GRADED_STEPS, STEPS, Step
from kata.figures.curve import Curve
from kata.figures.style import CaptionedFigure
from kata.learn.board import run_missing
from kata.learn.kit import PICTURE_SEED, PictureKit
from kata.learn.pictures import figures_of_step
from kata.learn.plane import moving_plane
from kata.learn.predict import predictions
from kata.learn.workspace import Workspace
from kata.pages import render
from kata.pages.playground import Walks, playground_of
from kata.train.metrics import labels_of_least_loss
from kata.train.pipeline import CLASSES
from kata.train.progress import Stage, Stages
from kata.train.samplers import Velocity, heun

PLAYGROUND_SCALES = (0, 0.5, 1, 1.5, 2, 3, 4, 5, 7)
NOISES = 4
NUM_STEPS = 8
"""Of Heun's method, each shown: as near to 50 Euler steps as 25 are, for fewer evaluations."""
PAIRS = 2
"""Pairs of time and noise, with which the model itself reads a sample."""


@dataclass
class _Recorder:
    """A velocity that records its points, and where one single step from each would lead.

    Heun's method evaluates it twice per step, first at the point where the step begins.
    """

    velocity: Velocity

    def __post_init__(self) -> None:
        self.points: list[Tensor] = []
        self.ends: list[Tensor] = []

    def __call__(self, x: Tensor, t: float) -> Tensor:
        v = self.velocity(x, t)
        self.points.append(x)
        self.ends.append(x - t * v)
        return v


def walks(kit: PictureKit, advance: Callable[[], None] = lambda: None) -> Walks:
    """Draw every digit from the same noises at all PLAYGROUND_SCALES, by step 3's guided velocity.

    advance: called after each scale.
    """
    pipeline = kit.pipeline(3)
    labels = torch.arange(CLASSES).repeat_interleave(NOISES)
    noise = pipeline.noise(NOISES).repeat(CLASSES, 1, 1, 1)
    points, ends = [], []
    for scale in PLAYGROUND_SCALES:
        recorder = _Recorder(pipeline.velocity(labels, scale))
        last = heun(recorder, noise, NUM_STEPS)
        points.append(torch.stack([*recorder.points[::2], last]))
        ends.append(torch.stack([*recorder.ends[::2], last]))
        advance()
    read = labels_of_least_loss(
        pipeline.model, torch.cat([part[-1] for part in ends]), CLASSES, PICTURE_SEED, PAIRS
    ).view(len(PLAYGROUND_SCALES), CLASSES, NOISES)
    times = [1 - i / NUM_STEPS for i in range(NUM_STEPS + 1)]
    return Walks(
        PLAYGROUND_SCALES, times, _arranged(points), _arranged(ends), read.permute(1, 2, 0).numpy()
    )


def _arranged(scales: list[Tensor]) -> np.ndarray:
    """Turn S tensors `(T, digits * noises, C, H, W)` into first channels `(digits, noises, T, S,
    H, W)`.
    """
    images = torch.stack(scales)[:, :, :, 0].unflatten(2, (CLASSES, NOISES))
    return images.permute(2, 3, 1, 0, 4, 5).numpy()


def measured(kit: PictureKit) -> Curve | None:
    """Return fidelity and diversity from the evaluation beside the checkpoint; None if it has
    none.
    """
    try:
        text = (kit.trained.folder / "evaluation.json").read_text(encoding="utf-8")
        return Curve.of_evaluation(json.loads(text))
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


NEEDED = (1, 2, 3, 5)
"""The steps that the playground needs."""

SECONDS = {"figures": 2.0, "playground": 30.0}
"""About how long the figures of one step take, and the playground."""

MARK = "written by kata gallery"
"""A comment in the page, by which a later run recognises it."""


class GalleryError(KataError):
    """There is no page; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Gallery:
    """Where the page lies, which steps are on it, and why something is missing that could be
    there.
    """

    page: Path
    steps: tuple[Step, ...]
    missing: tuple[str, ...]


def write_gallery(
    workspace: Workspace,
    console: Console,
    out: Path | None = None,
    checkpoint: str | Path | None = None,
) -> Gallery:
    """Draw all of it and write index.html.

    console: where the progress goes; out: the folder (None: checkpoints/runs/gallery/), in which
    the page of an earlier run is replaced; checkpoint: as for `PictureKit`. Raise GalleryError.
    """
    page = (out or workspace.root / "checkpoints" / "runs" / "gallery") / "index.html"
    _demand_place(page)
    steps = passed_steps(workspace, console)
    if not steps:
        raise GalleryError("No step passes its tests yet, so there is nothing to show: run `kata`.")
    kit = _kit(workspace, steps, checkpoint)
    seconds = {**SECONDS, "figures": SECONDS["figures"] * len(steps)}
    with Stages(console, seconds) as stages:
        with stages.stage("figures", len(steps)) as stage:
            figures_by_step, missing = _new_figures(kit, steps, stage)
        with stages.stage("playground", len(PLAYGROUND_SCALES) + 1) as stage:
            playground = _playground(workspace, kit, steps, stage.advance)
            plane = _plane(workspace, kit, steps)
    missing += [why for why in (plane, playground) if isinstance(why, str)]
    text = render(
        "gallery.html",
        drawn_by=_drawn_by(workspace, steps),
        plane=None if isinstance(plane, str) else plane,
        playground=None if isinstance(playground, str) else playground,
        figures_by_step=figures_by_step,
        predictions={step.number: predictions(workspace, step) for step in steps},
    )
    _write_page(page, text)
    return Gallery(page, steps, tuple(dict.fromkeys(missing)))


def passed_steps(workspace: Workspace, console: Console) -> tuple[Step, ...]:
    """Return the steps that pass their tests, after testing those that are not known. Trust the
    solutions.
    """
    if workspace.implementation.path == workspace.implementation.solutions:
        return STEPS
    run_missing((workspace,), console)
    return tuple(step for step in workspace.steps if workspace.standing(step).passed)


def _kit(
    workspace: Workspace, steps: tuple[Step, ...], checkpoint: str | Path | None
) -> PictureKit:
    """These steps among the solutions of all others; without solutions, all steps as they stand."""
    own = workspace.implementation
    if own.solutions.is_dir():
        own = Transplant(own.path, [step.number for step in steps])
    return PictureKit(own, checkpoint)


def _new_figures(
    kit: PictureKit, steps: tuple[Step, ...], stage: Stage
) -> tuple[list[tuple[Step, list[CaptionedFigure]]], list[str]]:
    """The figures of each step that no step before it shows, and why some are missing."""
    figures_by_step: list[tuple[Step, list[CaptionedFigure]]] = []
    missing: list[str] = []
    names: set[str] = set()
    for step in steps:
        new = []
        for figure in figures_of_step(kit, step):
            if isinstance(figure, str):
                missing.append(figure)
            elif figure.name not in names:
                names.add(figure.name)
                new.append(figure)
        if new:
            figures_by_step.append((step, new))
        stage.advance()
    return figures_by_step, missing


def _playground(
    workspace: Workspace, kit: PictureKit, steps: tuple[Step, ...], advance: Callable[[], None]
) -> dict[str, Any] | str:
    """What the template of the playground needs, or the sentence why there is none."""
    passed = {step.number for step in steps}
    needed = [n for n in NEEDED if n not in passed]
    if needed and not workspace.implementation.solutions.is_dir():
        return (
            f"The playground needs steps {', '.join(map(str, NEEDED))} to pass, and "
            f"{', '.join(map(str, needed))} {'do' if len(needed) > 1 else 'does'} not yet."
        )
    try:
        return playground_of(walks(kit, advance), measured(kit))
    except KataError as error:
        return str(error)


def _plane(
    workspace: Workspace, kit: PictureKit, steps: tuple[Step, ...]
) -> dict[str, Any] | str | None:
    """What the template of the moving picture needs, or the sentence why there is none; None if
    step 0 was skipped, and there is no solution of it.
    """
    if STEPS[0] not in steps and not workspace.implementation.solutions.is_dir():
        return None
    try:
        return moving_plane(kit)
    except KataError as error:
        return str(error)


def _drawn_by(workspace: Workspace, steps: tuple[Step, ...]) -> str:
    folder = shown(workspace.implementation.path)
    if set(steps) >= set(GRADED_STEPS):
        return f"all steps in {folder}"
    numbers = ", ".join(str(step.number) for step in steps)
    rest = ", and the solutions of the rest" if workspace.implementation.solutions.is_dir() else ""
    word = "step" if len(steps) == 1 else "steps"
    return f"{word} {numbers} in {folder}{rest}"


def _demand_place(page: Path) -> None:
    """Raise GalleryError if the page cannot go there, or if something else would be lost."""
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
