"""`kata generate`: digits on request, in the terminal and as a picture."""

import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from kata.course.files import shown
from kata.figures.terminal import images_as_text
from kata.lab.machine import chosen_device
from kata.lab.options import scale_of, writing_to
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import best_shipped, find_checkpoint, read_checkpoint
from kata.train.pipeline import (
    DEFAULT_SAMPLING,
    LESSON_SAMPLING,
    Pipeline,
    SampleCounter,
    Sampling,
)
from kata.train.progress import Stages

SHOWN = 60
"""The most images that are shown in the terminal."""


@dataclass(frozen=True)
class GenerateRequest:
    """The options of `kata generate`: `count` images of each of the digits, 0 .. 9.

    checkpoint: a name or a path (None: the best that ships); impl: whose steps; seed: of the
    starting noise (None: a new one, which is shown); sampling: None is DEFAULT_SAMPLING with the
    solutions and LESSON_SAMPLING, which is the sampler of their own step 7, with any other steps;
    device: None is the best; out: the PNG to write.
    """

    digits: Sequence[int]
    scale: float = 4.0
    count: int = 16
    checkpoint: str | Path | None = None
    impl: str = "solutions"
    seed: int | None = None
    sampling: Sampling | None = None
    device: str | None = None
    out: Path | None = None


def generate_digits(request: GenerateRequest, console: Console) -> Tensor:
    """Draw, show, and write the picture. Return the images, `(len(digits), count, C, H, W)`.

    Raise a KataError for everything that goes wrong.
    """
    scale = scale_of(request.scale)
    device = chosen_device(request.device)
    sampling = request.sampling or (
        DEFAULT_SAMPLING if request.impl == "solutions" else LESSON_SAMPLING
    )
    folder = (
        find_checkpoint(request.checkpoint) if request.checkpoint is not None else best_shipped()
    )
    seed = secrets.randbelow(2**32) if request.seed is None else request.seed
    steps = CheckedSteps(request.impl, io.StringIO())
    pipeline = Pipeline.from_checkpoint(steps, read_checkpoint(folder), device, sampling, seed)
    labels = torch.tensor(request.digits).repeat_interleave(request.count)
    progress = console if console.is_terminal else Console(file=io.StringIO())
    with (
        SampleCounter(pipeline.model) as counter,
        Stages(progress, {"drawing": 1.0}) as stages,
        stages.stage("drawing", sampling.cost(scale) * len(labels)) as stage,
    ):
        counter.on_samples = stage.advance
        images = pipeline.draw(labels, scale, pipeline.noise(len(labels)))
    images = images.unflatten(0, (len(request.digits), request.count))
    _show(images[:, :, 0].numpy(), console)
    console.print(
        f"{shown(folder)}, w = {scale:g}, {sampling}, seed {seed}",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    if request.out is not None:
        _write(images[:, :, 0].numpy(), request.digits, scale, request.out)
        print(f"picture  {shown(request.out)}", file=console.file)
    return images


def _show(images: np.ndarray, console: Console) -> None:
    """Show some images `(D, n, H, W)` of each digit in the terminal."""
    colours = console.color_system is not None and console.encoding.lower().startswith("utf")
    each = max(1, SHOWN // len(images))
    for row in images[:, :each]:
        for line in images_as_text(row, console.width, colours):
            console.print(line, soft_wrap=True)
        console.print()
    if images.shape[1] > each:
        console.print(f"The first {each} of {images.shape[1]} of each digit.", highlight=False)


def _write(images: np.ndarray, digits: Sequence[int], scale: float, out: Path) -> None:
    """Write images `(D, n, H, W)` as a PNG, each digit in rows of its own."""
    from kata.figures.images import digits_in_rows

    kinds, count, height, width = images.shape
    columns = min(count, max(8, ceil(sqrt(count))))
    rows = ceil(count / columns)
    grid = np.full((kinds, rows * columns, height, width), np.nan)
    grid[:, :count] = images
    labels = [str(digit) if row == 0 else "" for digit in digits for row in range(rows)]
    rows_of_images = grid.reshape(-1, columns, height, width)
    with writing_to(out, "--out", "file"):
        out.write_bytes(digits_in_rows(rows_of_images, scale, labels).png)
