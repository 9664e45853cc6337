"""What the pictures of the steps are drawn with: an implementation, a trained model, fixed seeds,
and a limit of time.
"""

import ctypes
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.given.dit import AdaLayerNorm
from kata.train.checked_steps import CheckedSteps, StepCallError
from kata.train.checkpoints import (
    Checkpoint,
    best_shipped,
    find_checkpoint,
    read_checkpoint,
)
from kata.train.pipeline import Pipeline, Sampling

PREFERRED = ("mnist-small", "digits")
"""Checkpoints that are small enough to draw with in seconds, the better looking first."""

PICTURE_SEED = 7
SAMPLING = Sampling(num_steps=12)
"""Enough steps to recognise digits."""

CPU = torch.device("cpu")

Result = TypeVar("Result")


@dataclass(frozen=True)
class PictureKit:
    """An implementation and a trained model, to draw with on the CPU, always from the same seeds.

    checkpoint: a name or a path; None is the first of PREFERRED that is there. Whatever needs the
    model raises CheckpointError if it is missing or does not fit. The steps raise StepError and
    StepCallError.
    """

    implementation: Implementation
    checkpoint: str | Path | None = None

    @cached_property
    def _results(self) -> dict[str, Any]:
        return {}

    def once(self, name: str, compute: Callable[[], Result]) -> Result:
        """Return what `compute` returned when it was first called under that name."""
        if name not in self._results:
            self._results[name] = compute()
        result: Result = self._results[name]
        return result

    def learner(self, *numbers: int) -> CheckedSteps:
        """Return these steps of the implementation."""
        return CheckedSteps(
            self.implementation, io.StringIO(), [step_by_number(n) for n in numbers]
        )

    @cached_property
    def trained(self) -> Checkpoint:
        """The checkpoint, as it was read."""
        return read_checkpoint(
            best_shipped(PREFERRED) if self.checkpoint is None else find_checkpoint(self.checkpoint)
        )

    @cached_property
    def model(self) -> nn.Module:
        """The trained model, of step 5's class."""
        return Pipeline.from_checkpoint(
            self.learner(5), self.trained, CPU, SAMPLING, PICTURE_SEED
        ).model

    def pipeline(self, *numbers: int, model: nn.Module | None = None) -> Pipeline:
        """Return a pipeline of these steps and a model, the trained one by default, always with the
        same noise.
        """
        shape = self.trained.image_shape
        return Pipeline(self.learner(*numbers), model or self.model, shape, SAMPLING, PICTURE_SEED)

    def modulated_model(self, strength: float = 1.0) -> nn.Module:
        """Return a copy of the trained model whose blocks call step 2's `modulate`.

        strength: scale and shift are multiplied by it; 0 switches the conditioning off.
        """
        learner, model = self.learner(2), deepcopy(self.model)
        for layer in model.modules():
            if isinstance(layer, AdaLayerNorm):
                layer.forward = _modulated(learner, layer, strength)  # type: ignore[assignment, method-assign]
        return model


def _modulated(
    learner: CheckedSteps, layer: AdaLayerNorm, strength: float
) -> Callable[[Tensor, Tensor], Tensor]:
    def forward(x: Tensor, c: Tensor) -> Tensor:
        scale, shift = (strength * layer.project(F.silu(c))).chunk(2, dim=-1)
        return learner.images(2, "modulate", tuple(x.shape), layer.norm(x), scale, shift)

    return forward


class RecordingModel(nn.Module):
    """Passes every call on to a model and keeps the first sample's image and time.

    points: images `(C, H, W)`; times: numbers. A second call at the same image is not kept, as a
    guided step may make two.
    """

    def __init__(self, model: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.model, self.num_classes, self.null_class = model, num_classes, num_classes
        self.points: list[Tensor] = []
        self.times: list[float] = []

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the model's velocity."""
        if not (self.points and torch.equal(self.points[-1], x[0])):
            self.points.append(x[0].detach().clone())
            self.times.append(float(t[0]))
        velocity: Tensor = self.model(x, t, y)
        return velocity


@contextmanager
def same_draws() -> Iterator[None]:
    """Start torch's global generator from PICTURE_SEED; restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(PICTURE_SEED)
        yield


def new_source() -> torch.Generator:
    """Return a generator that starts from PICTURE_SEED."""
    return torch.Generator().manual_seed(PICTURE_SEED)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch use one thread inside: small models are faster so, and always give the same
    numbers.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class OutOfTime(StepCallError):
    """A figure took longer than its limit."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in this thread, at its next line of Python, after that many seconds.

    It is raised again every second, in case a learner's `except` catches it. A single call into
    torch is not interrupted.
    """
    thread, over, lock = threading.get_ident(), threading.Event(), threading.Lock()
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            with lock:
                if not over.is_set():
                    raise_in(ctypes.c_ulong(thread), ctypes.py_object(OutOfTime))
            wait = 1.0

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        with lock:
            raise_in(ctypes.c_ulong(thread), None)
