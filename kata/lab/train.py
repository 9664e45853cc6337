"""`kata train`: from a preset to a checkpoint, safe to interrupt at any moment."""

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import torch
from rich.console import Console
from torch import nn

from kata.course import KataError
from kata.course.files import shown
from kata.lab.machine import chosen_device, describe_device, versions
from kata.lab.options import OptionError, run_folder, writing_to
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
from kata.train.loop import ProcessGroup, Training, joined_group
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
    """The folder of a run, the signal that stopped it (0: none), and whether this process leads."""

    folder: Path
    stopped_by: int
    leads: bool


def run_training(request: TrainRequest, console: Console) -> Trained:
    """Train, or go on training; progress goes to the console.

    Raise a KataError for everything that goes wrong; the last checkpoint is then kept.
    """
    device = chosen_device(request.device)
    with joined_group(device) as team:
        if device.type == "cuda":
            device = torch.device("cuda", team.local)
            torch.cuda.set_device(device)
        return _Run(request, console, device, team).run()


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
                        self._by_trainer(steps, stages)
                    else:
                        self._by_recipe(steps, data, stages)
        return Trained(self.folder, self.caught[0] if self.caught else 0, self.team.leads)

    def _log(self) -> TextIO:
        """Open the file for all that the steps print; make the folder if it is not there."""
        if not self.team.leads:
            return open(os.devnull, "a")
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            return (self.folder / "training.log").open("a", encoding="utf-8")

    def _by_recipe(self, steps: CheckedSteps, data: Dataset, stages: Stages) -> None:
        def loss(*arguments: Any, **named: Any) -> Any:
            return steps.call(6, "flow_matching_loss", *arguments, **named)

        training = Training(
            self.preset,
            lambda **size: steps.call(5, "ConditionalDiT", **size),
            loss,
            data,
            self.request.seed,
            self.device,
            self.num_parts,
            self.team,
        )
        self._go_on(lambda parts, facts: training.restore(parts, facts["step"]))
        metrics = self._metrics(training.step)
        unlooked: list[torch.Tensor] = []
        with stages.stage("training", self.preset.steps, training.step) as stage:
            if self.before is None:
                self._save(training.parts(), training.step)
            while training.step < self.preset.steps:
                unlooked.append(training.advance())
                stage.advance()
                last = training.step == self.preset.steps
                if training.step % LOOK_EVERY and not last:
                    continue
                mean = self._looked_at(unlooked, training.step, stage)
                if metrics:
                    more = self._held_out(training, data)
                    seconds = round(self._seconds(), 2)
                    metrics.add(step=training.step, loss=mean, seconds=seconds, **more)
                stop = self.team.any(bool(self.caught))
                if last or stop or time.monotonic() - self.saved >= self.save_every:
                    self._save(training.parts(), training.step)
                if stop:
                    raise Stopped

    def _held_out(self, training: Training, data: Dataset) -> dict[str, float]:
        """Return the loss on held-out images, under the document's mix of labels, if it is time."""
        every = self.preset.look_every
        if every is None or training.step % every:
            return {}
        return {"held_out": held_out_loss(training.to_sample, data)}

    def _by_trainer(self, steps: CheckedSteps, stages: Stages) -> None:
        def on_batch() -> None:
            if self.caught:
                raise Stopped
            stage.advance()

        loader = EpochLoader(
            data_folder(self.request.data), self.preset.batch_size, self.request.seed, on_batch
        )
        training = TrainerRun(
            self.preset,
            lambda **size: steps.call(5, "ConditionalDiT", **size),
            lambda *a, **k: steps.call(6, "ConditionalTrainer", *a, **k),
            loader,
            self.request.seed,
            self.device,
        )
        self._go_on(lambda parts, facts: training.restore(parts, facts["losses"]))
        metrics = self._metrics(len(training.losses))
        total = self.preset.epochs * len(loader)
        with stages.stage("training", total, len(training.losses) * len(loader)) as stage:
            if self.before is None:
                self._save(training.parts(), 0, losses=[])
            while len(training.losses) < self.preset.epochs:
                with steps.blame(6, "ConditionalTrainer.train", let_through=(Stopped,)):
                    loss = training.epoch()
                epoch = len(training.losses)
                self._finite(loss, epoch, "epoch")
                stage.advance(0, note=f"loss {loss:.4f}")
                if metrics:
                    metrics.add(step=epoch, loss=loss, seconds=round(self._seconds(), 2))
                self._save(training.parts(), epoch, losses=training.losses)

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
        if step == self.saved_step:
            return
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


def held_out_loss(model: nn.Module, data: Dataset) -> float:
    """Return the document's mix of losses on held-out images, with the same draws each time."""
    images, labels = data.held_out_images[:HELD_OUT_IMAGES], data.held_out_labels[:HELD_OUT_IMAGES]
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
