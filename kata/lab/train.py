"""`kata train`: from a preset to a checkpoint, safe to interrupt at any moment."""

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import torch
from rich.console import Console
from torch import nn

from kata.course import KataError
from kata.course.files import shown
from kata.lab.machine import chosen_device, describe_device, own_device, versions
from kata.lab.options import OptionError, run_folder, writing_to
from kata.lab.speed import TrainingSpeed, speed_of
from kata.train.by_trainer import EpochLoader, Stopped, TrainerRun
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import (
    MANIFEST,
    Checkpoint,
    CheckpointError,
    MetricsFile,
    read_checkpoint,
    write_checkpoint,
)
from kata.train.data import Dataset, data_folder, load_dataset
from kata.train.loop import Loss, ProcessGroup, Training, joined_group
from kata.train.metrics import held_out_losses
from kata.train.pipeline import CLASSES
from kata.train.presets import PRESETS, ModelSize, Preset
from kata.train.progress import Stage, Stages

LINES = 20
HELD_OUT_IMAGES = 2_000
LOOK_EVERY = 10
"""Steps between two looks at the loss, and at whether to stop."""


class TrainingError(KataError):
    """The training cannot go on."""


@dataclass(frozen=True)
class TrainRequest:
    """The options of `kata train`.

    preset: a name of PRESETS; impl: whose steps; data: the folder of MNIST (None: as in
    `data_folder`); out: the folder of the run (None: a new one in checkpoints/runs/); resume: the
    folder of a run to go on with, which then sets preset, implementation, seed and parts; device:
    `cpu`, `cuda`, ... (None: the best); steps: instead of the preset's (epochs for `document`);
    threads: of PyTorch on a CPU; parts: see `Training` (None: one per process); save_every:
    seconds between checkpoints.
    """

    preset: str = "digits"
    impl: str = "solutions"
    data: Path | None = None
    out: Path | None = None
    resume: Path | None = None
    seed: int = 0
    device: str | None = None
    steps: int | None = None
    threads: int | None = None
    parts: int | None = None
    save_every: float = 30.0


@dataclass(frozen=True)
class Trained:
    """The folder of a run, the signal that stopped it (0: none), and whether this process leads.

    speed: how fast it trained (None: it was stopped, or another process leads).
    """

    folder: Path
    stopped_by: int
    leads: bool
    speed: TrainingSpeed | None = None


def run_training(request: TrainRequest, console: Console) -> Trained:
    """Train, or go on training; progress goes to the console.

    Raise a KataError for everything that goes wrong; the last checkpoint is then kept.
    """
    device = chosen_device(request.device)
    with joined_group(device) as team:
        return _Run(request, console, own_device(device, team), team).run()


class _Run:
    """One run: its folder, its clock, and what is written there."""

    def __init__(
        self, request: TrainRequest, console: Console, device: torch.device, team: ProcessGroup
    ) -> None:
        self.console, self.device, self.team = console, device, team
        self.save_every = request.save_every
        self.before: Checkpoint | None = None
        if request.resume is not None:
            self.before = read_checkpoint(request.resume)
            request = _as_before(request, self.before)
        self.request = request
        self.preset = _recorded(self.before) if self.before else _preset(request)
        self.num_parts = request.parts or team.size
        if self.num_parts % team.size or self.preset.batch_size % self.num_parts:
            raise OptionError(
                f"--parts {self.num_parts}: say a multiple of the {team.size} processes that divides "
                f"the batch of {self.preset.batch_size}."
            )
        if self.preset.by_trainer and team.size > 1:
            raise OptionError(
                "The preset document runs in one process, as the document does: start it without torchrun, "
                "or train the preset mnist."
            )
        self.folder = self._folder()
        self.spent = float(self.before.facts["seconds"]) if self.before else 0.0
        self.saved_step, self.saved = -1, time.monotonic()
        self.trained, self.said = 0.0, False
        self.speed: TrainingSpeed | None = None

    def _folder(self) -> Path:
        """Return the folder to write to."""
        out = self.request.resume or self.request.out
        if out is not None and (self.before or not self.team.leads):
            return out.resolve()
        other = "name a new folder"
        if out is not None and (out / MANIFEST).is_file():
            other += f", or go on with that run with --resume {shown(out)}"
        return run_folder(out, self.request.preset, f"{other}.")

    def run(self) -> Trained:
        threads = self.request.threads or self.preset.threads
        if threads and "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(threads)
        data = load_dataset(self.preset.dataset, self.request.data)
        with self._log() as log:
            steps = CheckedSteps(self.request.impl, log)
            console = self.console if self.team.leads else Console(file=open(os.devnull, "w"))  # noqa: SIM115
            with (
                _signals() as self.caught,
                Stages(console, {"training": 1.0}, lines=LINES) as stages,
            ):
                self.began = time.monotonic()
                with suppress(Stopped):
                    if self.preset.by_trainer:
                        self._by_trainer(steps, data, stages)
                    else:
                        self._by_recipe(steps, data, stages)
        if self.speed:
            print(self.speed, file=console.file)
        stopped_by = self.caught[0] if self.caught else 0
        return Trained(self.folder, stopped_by, self.team.leads, self.speed)

    def _log(self) -> TextIO:
        """Open the file for all that the steps print; make the folder if it is not there."""
        if not self.team.leads:
            return open(os.devnull, "a")
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            return (self.folder / "training.log").open("a", encoding="utf-8")

    def _by_recipe(self, steps: CheckedSteps, data: Dataset, stages: Stages) -> None:
        loss = partial(steps.call, 6, "flow_matching_loss")
        training = Training(
            self.preset,
            partial(steps.call, 5, "ConditionalDiT"),
            loss,
            data,
            self.request.seed,
            self.device,
            self.num_parts,
            self.team,
        )
        self._go_on(lambda parts, facts: training.restore(parts, facts["step"]))
        metrics = self._metrics(training.step)
        first = training.step
        unlooked: list[torch.Tensor] = []
        with stages.stage("training", self.preset.steps, training.step) as stage:
            if self.before is None:
                self._save(training.parts(), training.step)
            since = time.monotonic()
            while training.step < self.preset.steps:
                unlooked.append(training.advance())
                stage.advance()
                last = training.step == self.preset.steps
                if training.step % LOOK_EVERY and not last:
                    continue
                mean = self._looked_at(unlooked, training.step, stage)
                self.trained += time.monotonic() - since
                self._say_why_slow(training)
                if metrics:
                    more = self._held_out(training, data)
                    seconds = round(self._seconds(), 2)
                    metrics.add(step=training.step, loss=mean, seconds=seconds, **more)
                stop = self.team.any(bool(self.caught))
                if last or stop or time.monotonic() - self.saved >= self.save_every:
                    self._save(training.parts(), training.step)
                if stop:
                    raise Stopped
                since = time.monotonic()
        self._measure_speed(training.model, loss, data, training.step - first)

    def _say_why_slow(self, training: Training) -> None:
        """Say once if a GPU does not repeat the step as one graph."""
        if training.captured and training.captured.why_not and not self.said and self.team.leads:
            self.said = True
            print(training.captured.why_not, file=self.console.file)

    def _measure_speed(self, model: nn.Module, loss: Loss, data: Dataset, steps: int) -> None:
        """Measure how fast that many steps were trained, once per run."""
        if self.team.leads and steps:
            samples = steps * self.preset.batch_size
            self.speed = speed_of(
                model, loss, data, self.trained, samples, self.device, self.team.size
            )

    def _held_out(self, training: Training, data: Dataset) -> dict[str, float]:
        """Return, if it is time, the loss on held-out images, and the seconds of training alone."""
        every = self.preset.look_every
        if every is None or training.step % every:
            return {}
        held_out = held_out_loss(training.to_sample, data)
        return {"held_out": held_out, "trained": round(self.trained, 3)}

    def _by_trainer(self, steps: CheckedSteps, data: Dataset, stages: Stages) -> None:
        def on_batch() -> None:
            if self.caught:
                raise Stopped
            stage.advance()

        loader = EpochLoader(
            data_folder(self.request.data), self.preset.batch_size, self.request.seed, on_batch
        )
        training = TrainerRun(
            self.preset,
            partial(steps.call, 5, "ConditionalDiT"),
            partial(steps.call, 6, "ConditionalTrainer"),
            loader,
            self.request.seed,
            self.device,
        )
        self._go_on(lambda parts, facts: training.restore(parts, facts["losses"]))
        metrics = self._metrics(len(training.losses))
        first = len(training.losses)
        total = self.preset.epochs * len(loader)
        with stages.stage("training", total, len(training.losses) * len(loader)) as stage:
            if self.before is None:
                self._save(training.parts(), 0, losses=[])
            while len(training.losses) < self.preset.epochs:
                since = time.monotonic()
                with steps.blame(6, "ConditionalTrainer.train", let_through=(Stopped,)):
                    loss = training.epoch()
                self.trained += time.monotonic() - since
                epoch = len(training.losses)
                self._finite(loss, epoch, "epoch")
                stage.advance(0, note=f"loss {loss:.4f}")
                if metrics:
                    metrics.add(step=epoch, loss=loss, seconds=round(self._seconds(), 2))
                self._save(training.parts(), epoch, losses=training.losses)
        trained = (len(training.losses) - first) * len(loader)
        self._measure_speed(
            training.model, partial(steps.call, 6, "flow_matching_loss"), data, trained
        )

    def _looked_at(self, losses: list[torch.Tensor], step: int, stage: Stage) -> float:
        """Return the mean of the losses since the last look, and forget them."""
        mean = float(torch.stack(losses).mean())
        losses.clear()
        self._finite(mean, step, "step")
        stage.advance(0, note=f"loss {mean:.4f}")
        return mean

    def _finite(self, loss: float, at: int, what: str) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss is {loss} at {what} {at}: the training stopped. The checkpoint of {what} "
                f"{self.saved_step} is kept in {shown(self.folder)}; look at the loss of step 6, or at the data."
            )

    def _go_on(self, restore: Callable[[Any, Any], None]) -> None:
        """If a run is resumed, put its state back."""
        if self.before is None:
            return
        try:
            restore(self.before.parts, self.before.facts)
        except (RuntimeError, KeyError, ValueError) as error:
            why = " ".join(str(error).split())[:160]
            raise CheckpointError(
                f"{shown(self.folder)} cannot be resumed ({type(error).__name__}: {why}): "
                "it is not a run of this preset with this implementation; begin a new one without --resume."
            ) from None

    def _metrics(self, step: int) -> MetricsFile | None:
        """Return the metrics file if this process leads."""
        with writing_to(self.folder):
            return MetricsFile(self.folder, step) if self.team.leads else None

    def _seconds(self) -> float:
        return self.spent + time.monotonic() - self.began

    def _save(self, parts: dict[str, dict[str, torch.Tensor]], step: int, **more: Any) -> None:
        self.saved = time.monotonic()
        if self.team.leads:
            write_checkpoint(self.folder, parts, {**self._facts(step), **more}, tag=f"{step:06d}")
        self.saved_step = step

    def _facts(self, step: int) -> dict[str, Any]:
        recipe = {k: v for k, v in asdict(self.preset).items() if k not in ("model", "dataset")}
        return {
            "preset": self.request.preset,
            "implementation": self.request.impl,
            "dataset": self.preset.dataset,
            "model": asdict(self.preset.model),
            "recipe": recipe,
            "seed": self.request.seed,
            "parts": self.num_parts,
            "step": step,
            "seconds": round(self._seconds(), 2),
            "device": describe_device(self.device),
            "threads": torch.get_num_threads(),
            "processes": self.team.size,
            "versions": versions(),
        }


def held_out_loss(model: nn.Module, data: Dataset, count: int = HELD_OUT_IMAGES) -> float:
    """Return the document's mix of losses on the first `count` held-out images, or on all if there
    are fewer, with the same draws each time.
    """
    images, labels = data.held_out_images[:count], data.held_out_labels[:count]
    return held_out_losses(model, images, labels, CLASSES, seed=0, draws=len(images)).mix


def _preset(request: TrainRequest) -> Preset:
    if request.preset not in PRESETS:
        raise OptionError(
            f"There is no preset {request.preset!r}: say one of {', '.join(PRESETS)}."
        )
    preset = PRESETS[request.preset]
    if request.steps is None:
        return preset
    if preset.by_trainer:
        return replace(preset, epochs=request.steps)
    return replace(preset, steps=request.steps)


def _as_before(request: TrainRequest, before: Checkpoint) -> TrainRequest:
    """Return the request of the run that is resumed, on this machine."""
    facts = before.facts
    if not {"preset", "implementation", "recipe", "seed", "parts", "step"} <= facts.keys():
        raise CheckpointError(
            f"{shown(before.folder)} is not a run of `kata train`, only weights: begin a new one without --resume."
        )
    return replace(
        request,
        preset=facts["preset"],
        impl=facts["implementation"],
        seed=facts["seed"],
        parts=facts["parts"],
    )


def _recorded(before: Checkpoint) -> Preset:
    """Return the recipe that a run was begun with."""
    try:
        recipe = {**before.facts["recipe"], "betas": tuple(before.facts["recipe"]["betas"])}
        return Preset(before.dataset, ModelSize(**before.facts["model"]), **recipe)
    except (KeyError, TypeError) as error:
        raise CheckpointError(
            f"{shown(before.folder)} has a recipe that this version does not know ({error}): begin a new run."
        ) from None


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Catch the first Ctrl-C or SIGTERM, and yield the list of it; the next one stops at once."""
    caught: list[int] = []

    def catch(number: int, frame: FrameType | None) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    old = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
