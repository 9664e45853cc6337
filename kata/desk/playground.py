"""What the playground shows, computed beforehand: samples at every digit, noise, scale and time, as small pictures."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kata.desk.artist import CLASSES
from kata.desk.easel import SEED, Easel
from kata.desk.studio import noise_of
from kata.draw.curve import Curve
from kata.draw.playground import Walks
from kata.train.losses import labels_of_least_loss
from kata.train.samplers import Velocity, euler

SCALES = (0, 0.5, 1, 1.5, 2, 3, 4, 5, 7)
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


def walks(easel: Easel, advance: Callable[[], None] = lambda: None) -> Walks:
    """Every digit from the same noises at all SCALES, by step 3's guided velocity; advance: called after each scale."""
    studio = easel.studio
    labels = torch.arange(CLASSES).repeat_interleave(NOISES)
    noise = noise_of(SEED, NOISES, studio.image_shape).repeat(CLASSES, 1, 1, 1)
    points, ends = [], []
    for scale in SCALES:
        notes = _Notes(studio.velocity(labels, scale))
        last = euler(notes, noise, NUM_STEPS)
        points.append(torch.stack([*notes.points[::SHOWN_EVERY], last]))
        ends.append(torch.stack([*notes.ends[::SHOWN_EVERY], last]))
        advance()
    read = labels_of_least_loss(
        studio.model, torch.cat([part[-1] for part in ends]), CLASSES, SEED, PAIRS
    ).view(len(SCALES), CLASSES, NOISES)
    times = [1 - i / NUM_STEPS for i in range(0, NUM_STEPS + 1, SHOWN_EVERY)]
    return Walks(SCALES, times, _arranged(points), _arranged(ends), read.permute(1, 2, 0).numpy())


def _arranged(scales: list[Tensor]) -> np.ndarray:
    """S tensors `(T, digits * noises, C, H, W)` to the first channels as `(digits, noises, T, S, H, W)`."""
    images = torch.stack(scales)[:, :, :, 0].unflatten(2, (CLASSES, NOISES))
    return images.permute(2, 3, 1, 0, 4, 5).numpy()


def measured(easel: Easel) -> Curve | None:
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
