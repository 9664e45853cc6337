"""Seconds of training to a held-out loss: `mnist-small` beside the document's recipe."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from kata.lab.bench.timing import seconds_of
from kata.lab.train import held_out_loss
from kata.train.data import Dataset
from kata.train.loop import Loss, Training
from kata.train.presets import PRESETS, Preset

TARGET = 0.1774
"""The document's loss after 30 epochs, a mix of 0.9 right labels and 0.1 null ones."""
TURN = 10.0
"""Seconds that a recipe trains before the other has its turn; after each its loss is measured."""


def recipes() -> dict[str, Preset]:
    """Return what is compared: the preset, and the document's recipe on the same model."""
    small, document = PRESETS["mnist-small"], PRESETS["document"]
    return {
        "mnist-small": small,
        "document": replace(
            document, dataset=small.dataset, model=small.model, by_trainer=False, epochs=0
        ),
    }


@dataclass
class RecipeProgress:
    """How far one recipe is.

    seconds: of training alone; losses: (seconds, loss) after each turn; reached: the seconds to
    the target, None if it is not reached.
    """

    seconds: float = 0.0
    steps: int = 0
    losses: list[tuple[float, float]] = field(default_factory=list)
    reached: float | None = None

    @property
    def loss(self) -> float:
        """The last loss."""
        return self.losses[-1][1]


def time_to_loss(
    presets: dict[str, Preset],
    make: Callable[..., nn.Module],
    loss: Loss,
    data: Dataset,
    device: torch.device,
    limit: float,
    target: float = TARGET,
    turn: float = TURN,
    seed: int = 0,
    on_turn: Callable[[str, RecipeProgress], None] = lambda name, run: None,
) -> dict[str, RecipeProgress]:
    """Train by each recipe, in turns, until its held-out loss is at most the target.

    A recipe also ends with its last step, or after `limit` seconds of training. make: step 5's
    `ConditionalDiT`; loss: step 6's `flow_matching_loss`; on_turn: called after each turn.
    """
    trainings = {
        name: Training(preset, make, loss, data, seed, device) for name, preset in presets.items()
    }
    found = {name: RecipeProgress() for name in presets}
    going = set(presets)
    while going:
        for name in [name for name in presets if name in going]:
            training, run = trainings[name], found[name]
            _train(training, run, min(turn, limit - run.seconds), device)
            run.losses.append((run.seconds, held_out_loss(training.to_sample, data)))
            if run.loss <= target:
                run.reached = run.seconds
            if run.reached or run.seconds >= limit or training.step >= presets[name].steps:
                going.discard(name)
            on_turn(name, run)
    return found


def _train(training: Training, run: RecipeProgress, seconds: float, device: torch.device) -> None:
    """Train for that long, or to the last step."""
    until = time.monotonic() + seconds

    def some_steps() -> None:
        while time.monotonic() < until and training.step < training.preset.steps:
            training.advance()

    run.seconds += seconds_of(some_steps, device)
    run.steps = training.step
