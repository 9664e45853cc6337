"""`kata generate`: the digits that are asked for, in the terminal and as a picture."""

import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, sqrt
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from kata.course.files import shown
from kata.figures.terminal import images_as_text
from kata.lab.options import OptionError, scale_of
from kata.lab.train import chosen_device
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import best_shipped, find_checkpoint, read_checkpoint
from kata.train.pipeline import Sampling, TrainedModel, starting_noise
from kata.train.progress import Stages

DRAWN_CHUNK = 100
SHOWN = 60
"""At most so many images are drawn in the terminal."""


@dataclass(frozen=True)
class GenerateRequest:
    """What is asked for: `count` images of each of the digits, 0 .. 9.

    checkpoint: a name or a path (None: the best that ships); impl: whose steps; seed: of the starting
    noise (None: a new one, which is told); device: None is the best; out: the PNG to write.
    """

    digits: Sequence[int]
    scale: float = 4.0
    count: int = 16
    checkpoint: str | Path | None = None
    impl: str = "solutions"
    seed: int | None = None
    sampling: Sampling = field(default_factory=lambda: Sampling(num_steps=50))
    device: str | None = None
    out: Path | None = None


def generate_digits(wish: GenerateRequest, console: Console) -> Tensor:
    """Draw, show, and write the picture; the images, `(len(digits), count, C, H, W)`.

    Raises OptionError, CheckpointError, TrainingError, StepError or LearnerError, each with a sentence.
    """
    scale = scale_of(wish.scale)
    device = chosen_device(wish.device)
    folder = find_checkpoint(wish.checkpoint) if wish.checkpoint is not None else best_shipped()
    studio = TrainedModel(CheckedSteps(wish.impl, io.StringIO()), read_checkpoint(folder), device)
    seed = secrets.randbelow(2**32) if wish.seed is None else wish.seed
    labels = torch.tensor(wish.digits).repeat_interleave(wish.count)
    noise = starting_noise(seed, len(labels), studio.image_shape)
    progress = console if console.is_terminal else Console(file=io.StringIO())
    with (
        Stages(progress, {"drawing": 1.0}) as stages,
        stages.stage("drawing", wish.sampling.cost(scale) * len(labels)) as stage,
    ):
        studio.on_evaluated = stage.advance
        images = torch.cat(
            [
                studio.draw(some, scale, wish.sampling, start)
                for some, start in zip(
                    labels.split(DRAWN_CHUNK), noise.split(DRAWN_CHUNK), strict=True
                )
            ]
        ).unflatten(0, (len(wish.digits), wish.count))
    _show(images[:, :, 0].numpy(), console)
    console.print(
        f"{shown(folder)}, w = {scale:g}, {wish.sampling}, seed {seed}",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    if wish.out is not None:
        _write(images[:, :, 0].numpy(), wish.digits, scale, wish.out)
        print(f"picture  {shown(wish.out)}", file=console.file)
    return images


def _show(images: np.ndarray, console: Console) -> None:
    """Some images `(D, n, H, W)` of each digit in the terminal."""
    colours = console.color_system is not None and console.encoding.lower().startswith("utf")
    each = max(1, SHOWN // len(images))
    for row in images[:, :each]:
        for line in images_as_text(row, console.width, colours):
            console.print(line, soft_wrap=True)
        console.print()
    if images.shape[1] > each:
        console.print(f"The first {each} of {images.shape[1]} of each digit.", highlight=False)


def _write(images: np.ndarray, digits: Sequence[int], scale: float, out: Path) -> None:
    """The picture: `(D, n, H, W)`, a row a digit, wrapped where there are many of it."""
    from kata.figures.images import every_digit

    kinds, count, height, width = images.shape
    columns = min(count, max(8, ceil(sqrt(count))))
    rows = ceil(count / columns)
    grid = np.full((kinds, rows * columns, height, width), np.nan)
    grid[:, :count] = images
    labels = [str(digit) if row == 0 else "" for digit in digits for row in range(rows)]
    try:
        out.write_bytes(every_digit(grid.reshape(-1, columns, height, width), scale, labels).png)
    except OSError as error:
        raise OptionError(
            f"--out {shown(out)}: writing failed ({error.strerror or error}); name another file."
        ) from None
