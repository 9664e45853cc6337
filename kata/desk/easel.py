"""What a step's figures are drawn with: an implementation, a trained model under it, and the same noise every time."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from kata.course.loader import Implementation
from kata.course.manifest import step
from kata.desk.artist import Artist
from kata.desk.generate import best_shipped
from kata.desk.learner import Learner
from kata.desk.studio import Studio
from kata.train.checkpoints import Checkpoint, find_checkpoint, read_checkpoint

PREFERRED = ("mnist-small", "digits")
"""Checkpoints that are small enough to draw with in seconds, the better looking first."""

SEED = 7
NUM_STEPS = 12
"""Of Euler's method: enough to recognise digits."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Easel:
    """Draws on the CPU, and from the same seeds for everybody.

    checkpoint: a name or a path; None is the first of PREFERRED that is there. What is drawn with the model raises
    CheckpointError where it is not there or does not fit; StepError and LearnerError come from the steps.
    """

    implementation: Implementation
    checkpoint: str | Path | None = None

    def learner(self, *numbers: int) -> Learner:
        """Those steps of the implementation."""
        return Learner(self.implementation, io.StringIO(), [step(n) for n in numbers])

    @cached_property
    def trained(self) -> Checkpoint:
        """The checkpoint, as it was read."""
        return read_checkpoint(
            best_shipped(PREFERRED) if self.checkpoint is None else find_checkpoint(self.checkpoint)
        )

    @cached_property
    def studio(self) -> Studio:
        """The trained model, under steps 3, 5 and 7."""
        return Studio(self.learner(3, 5, 7), self.trained, CPU)

    def artist(self, *numbers: int) -> Artist:
        """Draws with the model and those steps, always from the same noise."""
        studio = self.studio
        return Artist(self.learner(*numbers), studio.model, studio.image_shape, NUM_STEPS, SEED)


@contextmanager
def same_draws() -> Iterator[None]:
    """Inside, torch's global generator starts from SEED; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        yield
