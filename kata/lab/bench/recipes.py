"""Seconds, samples and FLOP of training to a held-out loss: `mnist-small` beside AdamW's recipe."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import Any

import torch
from torch import nn

from kata.lab.bench.step import flop_of_step
from kata.lab.bench.timing import seconds_of
from kata.lab.train import HELD_OUT_IMAGES, held_out_loss
from kata.train.data import Dataset
from kata.train.loop import Loss, Training
from kata.train.presets import PRESETS, TARGET_LOSS, ModelSize, Preset

TURN = 10.0
"""Seconds that a recipe trains before the other has its turn; after each its loss is measured."""
NEAR = 0.015
"""A loss of some held-out images that is farther from the target is not measured on all."""

ADAMW = Preset(
    dataset="mnist",
    model=ModelSize(embed_dim=80, depth=4, num_heads=2),
    batch_size=48,
    steps=10_000,
    lr=2e-3,
    warmup=200,
    betas=(0.9, 0.99),
    clip=1.0,
    ema=0.998,
)
"""The best recipe that was found with AdamW alone."""


def recipes() -> dict[str, Preset]:
    """Return what is compared, by name: the preset first."""
    return {"mnist-small": PRESETS["mnist-small"], "adamw": ADAMW}


@dataclass(frozen=True)
class Look:
    """One measurement of the held-out loss.

    seconds, steps: of training before it; images: how many it is measured on; load: of the machine,
    as `load` returns it.
    """

    seconds: float
    steps: int
    loss: float
    images: int
    load: float | None


@dataclass
class RecipeProgress:
    """How far one run of a recipe is.

    batch_size: samples per step; flop: of one sample, forward and backward; seconds: of training
    alone; looks: one per turn; ended: why, `target`, `schedule` or `limit`; empty before that.
    """

    seed: int
    batch_size: int
    flop: int
    seconds: float = 0.0
    steps: int = 0
    looks: list[Look] = field(default_factory=list)
    ended: str = ""

    @property
    def reached(self) -> bool:
        """Whether the last loss is at most the target."""
        return self.ended == "target"

    @property
    def loss(self) -> float:
        """The last loss."""
        return self.looks[-1].loss

    @property
    def samples(self) -> int:
        """Samples trained on."""
        return self.steps * self.batch_size

    @property
    def pflop(self) -> float:
        """FLOP of forward and backward so far, in 10^15."""
        return self.samples * self.flop / 1e15

    @property
    def load(self) -> float | None:
        """The mean load of the machine at the looks; None where it is not known."""
        known = [look.load for look in self.looks if look.load is not None]
        return mean(known) if known else None


def time_to_loss(
    presets: Mapping[str, Preset],
    make: Callable[..., nn.Module],
    loss: Loss,
    data: Dataset,
    device: torch.device,
    limit: float,
    target: float = TARGET_LOSS,
    turn: float = TURN,
    seed: int = 0,
    on_turn: Callable[[str, RecipeProgress], None] = lambda name, run: None,
) -> dict[str, RecipeProgress]:
    """Train by each recipe, in turns, until its loss on all held-out images is at most the target.

    A recipe also ends with its last step, or after `limit` seconds of training. make: step 5's
    `ConditionalDiT`; loss: step 6's `flow_matching_loss`; on_turn: called after each turn.
    """
    trainings = {
        name: Training(preset, make, loss, data, seed, device) for name, preset in presets.items()
    }
    found = {
        name: RecipeProgress(seed, preset.batch_size, _flop(preset, make, loss, data))
        for name, preset in presets.items()
    }
    while going := [name for name in presets if not found[name].ended]:
        for name in going:
            training, run = trainings[name], found[name]
            _train(training, run, min(turn, limit - run.seconds), device)
            run.looks.append(_look(training.to_sample, run, data, target))
            if run.loss <= target:
                run.ended = "target"
            elif training.step >= presets[name].steps:
                run.ended = "schedule"
            elif run.seconds >= limit:
                run.ended = "limit"
            on_turn(name, run)
    return found


def load() -> float | None:
    """Return the machine's load, the mean of the last minute; None where it is not known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def mean_of(runs: Sequence[RecipeProgress]) -> dict[str, float] | None:
    """Return the mean seconds, samples and PFLOP to the target; None unless all runs reached it, or
    if there is none.
    """
    if not runs or not all(run.reached for run in runs):
        return None
    return {
        "seconds": mean(run.seconds for run in runs),
        "samples": mean(run.samples for run in runs),
        "pflop": mean(run.pflop for run in runs),
    }


def facts_of_recipes(runs: Mapping[str, Sequence[RecipeProgress]]) -> dict[str, Any]:
    """Return every run of each recipe and their mean, as JSON knows them."""
    return {
        name: {
            "mean": mean_of(some),
            "runs": [
                {**asdict(run), "samples": run.samples, "pflop": run.pflop, "load": run.load}
                for run in some
            ],
        }
        for name, some in runs.items()
    }


def sentences_of_recipes(runs: Mapping[str, Sequence[RecipeProgress]]) -> list[str]:
    """Return one sentence for each run that did not reach the target."""
    why = {
        "": "was interrupted",
        "schedule": "came to the end of its schedule",
        "limit": "came to its limit (--limit)",
    }
    return [
        f"{name}, seed {run.seed}, {why[run.ended]} after {run.steps:,} steps and {run.seconds:.0f} s, "
        f"before the target: its held-out mix is {run.loss:.4f}, the target {TARGET_LOSS}."
        for name, some in runs.items()
        for run in some
        if not run.reached
    ]


def _flop(preset: Preset, make: Callable[..., nn.Module], loss: Loss, data: Dataset) -> int:
    """Return the FLOP of one sample; torch's global generator goes on as if nothing was drawn."""
    with torch.random.fork_rng(devices=[]):
        model = make(**asdict(preset.model))
        return flop_of_step(model, loss, data.images[:1], data.labels[:1])


def _look(model: nn.Module, run: RecipeProgress, data: Dataset, target: float) -> Look:
    """Measure the loss: on some held-out images, and near the target on all of them."""
    everything = len(data.held_out_images)
    images = min(HELD_OUT_IMAGES, everything)
    found = held_out_loss(model, data, images)
    if found <= target + NEAR and images < everything:
        images = everything
        found = held_out_loss(model, data, images)
    return Look(run.seconds, run.steps, found, images, load())


def _train(training: Training, run: RecipeProgress, seconds: float, device: torch.device) -> None:
    """Train for that long, or to the last step."""
    until = time.monotonic() + seconds

    def some_steps() -> None:
        while time.monotonic() < until and training.step < training.preset.steps:
            training.advance()

    run.seconds += seconds_of(some_steps, device)
    run.steps = training.step
