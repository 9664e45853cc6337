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

from kata.course.paths import shown
from kata.desk.learner import Learner
from kata.desk.options import OptionError, scale_of
from kata.desk.progress import Stages
from kata.desk.studio import Sampling, Studio, noise_of
from kata.desk.training import chosen_device
from kata.draw.terminal import drawn
from kata.train.checkpoints import CheckpointError, find_checkpoint, read_checkpoint

SHIPPED = ("mnist", "mnist-small", "digits")
"""The checkpoints that come with the course, the best first."""

CHUNK = 100
SHOWN = 60
"""At most so many images are drawn in the terminal."""


@dataclass(frozen=True)
class Wish:
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


def generate(wish: Wish, console: Console) -> Tensor:
    """Draw, show, and write the picture; the images, `(len(digits), count, C, H, W)`.

    Raises OptionError, CheckpointError, TrainingError, StepError or LearnerError, each with a sentence.
    """
    scale = scale_of(wish.scale)
    device = chosen_device(wish.device)
    folder = find_checkpoint(wish.checkpoint) if wish.checkpoint is not None else best_shipped()
    studio = Studio(Learner(wish.impl, io.StringIO()), read_checkpoint(folder), device)
    seed = secrets.randbelow(2**32) if wish.seed is None else wish.seed
    labels = torch.tensor(wish.digits).repeat_interleave(wish.count)
    noise = noise_of(seed, len(labels), studio.image_shape)
    progress = console if console.is_terminal else Console(file=io.StringIO())
    with (
        Stages(progress, {"drawing": 1.0}) as stages,
        stages.stage("drawing", wish.sampling.cost(scale) * len(labels)) as stage,
    ):
        studio.on_evaluated = stage.advance
        images = torch.cat(
            [
                studio.draw(some, scale, wish.sampling, start)
                for some, start in zip(labels.split(CHUNK), noise.split(CHUNK), strict=True)
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


def best_shipped(names: Sequence[str] = SHIPPED) -> Path:
    """The folder of the first of those checkpoints that ships and is there; CheckpointError where none is."""
    for name in names:
        try:
            return find_checkpoint(name)
        except CheckpointError:
            continue
    raise CheckpointError(
        "There is no trained checkpoint here: run `kata train digits`, which takes a minute, "
        "and name the folder that it makes with --checkpoint."
    )


def _show(images: np.ndarray, console: Console) -> None:
    """Some images `(D, n, H, W)` of each digit in the terminal."""
    colours = console.color_system is not None and console.encoding.lower().startswith("utf")
    each = max(1, SHOWN // len(images))
    for row in images[:, :each]:
        for line in drawn(row, console.width, colours):
            console.print(line, soft_wrap=True)
        console.print()
    if images.shape[1] > each:
        console.print(f"The first {each} of {images.shape[1]} of each digit.", highlight=False)


def _write(images: np.ndarray, digits: Sequence[int], scale: float, out: Path) -> None:
    """The picture: `(D, n, H, W)`, a row a digit, wrapped where there are many of it."""
    from kata.draw.images import class_grid
    from kata.draw.style import save

    kinds, count, height, width = images.shape
    columns = min(count, max(8, ceil(sqrt(count))))
    rows = ceil(count / columns)
    grid = np.full((kinds, rows * columns, height, width), np.nan)
    grid[:, :count] = images
    labels = [str(digit) if row == 0 else "" for digit in digits for row in range(rows)]
    try:
        save(class_grid(grid.reshape(-1, columns, height, width), f"w = {scale:g}", labels), out)
    except OSError as error:
        raise OptionError(
            f"--out {shown(out)}: writing failed ({error.strerror or error}); name another file."
        ) from None
