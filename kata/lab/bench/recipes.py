"""Seconds of training to a held-out loss: the preset `mnist-small` against the document's recipe on the same model."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from kata.lab.bench.timing import seconds_of
from kata.train.data import Dataset
from kata.train.loop import Training
from kata.train.metrics import held_out_losses
from kata.train.presets import PRESETS, Preset

Loss = Callable[..., Tensor]
TARGET = 0.1774
"""The document's loss after 30 epochs, a mix of 0.9 right labels and 0.1 null ones."""
NULL_CLASS = 10
LOOK_IMAGES = 2000
"""Held-out images that a look evaluates."""
TURN = 10.0
"""Seconds that a recipe trains before the other has its turn; after each its loss is looked at."""


def recipes() -> dict[str, Preset]:
    """What is compared: by name, the preset, and the document's batch, rate and nothing else on the preset's model."""
    small, document = PRESETS["mnist-small"], PRESETS["document"]
    return {
        "mnist-small": small,
        "document": replace(
            document, dataset=small.dataset, model=small.model, by_trainer=False, epochs=0
        ),
    }


@dataclass
class RecipeRun:
    """One recipe so far: seconds of training, without the looking; the loss after each turn; when it was there."""

    seconds: float = 0.0
    steps: int = 0
    losses: list[tuple[float, float]] = field(default_factory=list)
    reached: float | None = None

    @property
    def loss(self) -> float:
        """The loss at the last look."""
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
    on_turn: Callable[[str, RecipeRun], None] = lambda name, run: None,
) -> dict[str, RecipeRun]:
    """Train by each recipe, turn by turn, until its held-out loss is the target or less, or its steps or `limit` end.

    limit: seconds of training; make: step 5's `ConditionalDiT`; loss: step 6's `flow_matching_loss`; on_turn: called
    after each turn.
    """
    trainings = {
        name: Training(preset, make, loss, data, seed, device) for name, preset in presets.items()
    }
    found = {name: RecipeRun() for name in presets}
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


def held_out_loss(model: nn.Module, data: Dataset) -> float:
    """The document's mix of losses on some held-out images, with the same draws at every look."""
    images, labels = data.held_out_images[:LOOK_IMAGES], data.held_out_labels[:LOOK_IMAGES]
    return held_out_losses(model, images, labels, NULL_CLASS, seed=0, draws=len(images)).mix


def _train(training: Training, run: RecipeRun, seconds: float, device: torch.device) -> None:
    """Train for that long, or to the last step."""
    until = time.monotonic() + seconds

    def some_steps() -> None:
        while time.monotonic() < until and training.step < training.preset.steps:
            training.advance()

    run.seconds += seconds_of(some_steps, device)
    run.steps = training.step
