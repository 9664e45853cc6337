"""`kata train`: from a preset to a checkpoint, with progress, and safe to interrupt at any moment."""

import math
import os
import platform
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from rich.console import Console

from kata.course.errors import KataError
from kata.course.files import find_root, shown
from kata.given import get_device
from kata.train.by_trainer import EpochLoader, Stopped, TrainerRun
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import (
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
"""After so many steps the loss is looked at, and whether to stop."""


class TrainingError(KataError):
    """The run cannot begin or go on; the message says why and what to do."""


@dataclass(frozen=True)
class TrainRequest:
    """What is asked for.

    preset: a name of PRESETS; impl: whose steps; data: MNIST's folder (None: as in `data_folder`); out: the
    run's folder (None: a new one in checkpoints/runs/); resume: the folder of a run to go on with, which then
    decides preset, implementation, seed and parts; device: `cpu`, `cuda`, ... (None: the best); steps:
    instead of the preset's, epochs for `document`; threads: of torch on a CPU; parts: see `Training`
    (None: one a process); save_every: seconds between checkpoints.
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
    """Where the run lies, what signal stopped it (0: it is finished), and whether this process leads its team."""

    folder: Path
    stopped_by: int
    leads: bool


def run_training(order: TrainRequest, console: Console) -> Trained:
    """Train, or go on training.

    console: where progress goes. Raises TrainingError, CheckpointError, DataError, StepError or LearnerError,
    each with a sentence for the person at the keyboard; the last checkpoint is then kept.
    """
    device = chosen_device(order.device)
    with joined_group(device) as team:
        if device.type == "cuda":
            device = torch.device("cuda", team.local)
            torch.cuda.set_device(device)
        return _Run(order, console, device, team).run()


def chosen_device(name: str | None) -> torch.device:
    """The device of that name, None for the best there is; TrainingError where it is not there."""
    try:
        device = torch.device(name) if name else get_device()
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise TrainingError(
            f"--device {name}: this machine, or this build of PyTorch, has none; "
            f"leave the option out to use {get_device()}."
        ) from None
    return device


class _Run:
    """One run: its folder, its clock, and what is written there."""

    def __init__(
        self, order: TrainRequest, console: Console, device: torch.device, team: ProcessGroup
    ) -> None:
        self.console, self.device, self.team = console, device, team
        self.save_every = order.save_every
        self.before: Checkpoint | None = None
        if order.resume is not None:
            self.before = read_checkpoint(order.resume)
            order = _as_before(order, self.before)
        self.order = order
        self.preset = _recorded(self.before) if self.before else _preset(order)
        self.num_parts = order.parts or team.size
        if self.num_parts % team.size or self.preset.batch_size % self.num_parts:
            raise TrainingError(
                f"--parts {self.num_parts}: it must be a multiple of the {team.size} processes and divide "
                f"the batch of {self.preset.batch_size}."
            )
        if self.preset.by_trainer and team.size > 1:
            raise TrainingError(
                "The preset document runs in one process, as the document does: start it without torchrun, "
                "or train the preset mnist."
            )
        self.folder = (order.resume or order.out or _fresh_name(order.preset)).resolve()
        self.spent = float(self.before.facts["seconds"]) if self.before else 0.0
        self.saved_step, self.saved = -1, time.monotonic()

    def run(self) -> Trained:
        threads = self.order.threads or self.preset.threads
        if threads and "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(threads)
        data = load_dataset(self.preset.dataset, self.order.data)
        if self.team.leads and self.before is None:
            _make(self.folder)
        with open(self.folder / "training.log" if self.team.leads else os.devnull, "a") as log:
            learner = CheckedSteps(self.order.impl, log)
            console = self.console if self.team.leads else Console(file=open(os.devnull, "w"))  # noqa: SIM115
            with (
                _signals() as self.caught,
                Stages(console, {"training": 1.0}, lines=LINES) as stages,
            ):
                self.began = time.monotonic()
                with suppress(Stopped):
                    if self.preset.by_trainer:
                        self._by_trainer(learner, stages)
                    else:
                        self._by_recipe(learner, data, stages)
        return Trained(self.folder, self.caught[0] if self.caught else 0, self.team.leads)

    def _by_recipe(self, learner: CheckedSteps, data: Dataset, stages: Stages) -> None:
        def loss(*arguments: Any, **named: Any) -> Any:
            return learner.call(6, "flow_matching_loss", *arguments, **named)

        training = Training(
            self.preset,
            lambda **size: learner.call(5, "ConditionalDiT", **size),
            loss,
            data,
            self.order.seed,
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
        """The loss on held-out images, under the document's mix of labels, where it is time to look."""
        every = self.preset.look_every
        if every is None or training.step % every:
            return {}
        images, labels = (
            data.held_out_images[:HELD_OUT_IMAGES],
            data.held_out_labels[:HELD_OUT_IMAGES],
        )
        losses = held_out_losses(training.to_sample, images, labels, CLASSES, 0, HELD_OUT_IMAGES)
        return {"held_out": losses.mix}

    def _by_trainer(self, learner: CheckedSteps, stages: Stages) -> None:
        def on_batch() -> None:
            if self.caught:
                raise Stopped
            stage.advance()

        loader = EpochLoader(
            data_folder(self.order.data), self.preset.batch_size, self.order.seed, on_batch
        )
        training = TrainerRun(
            self.preset,
            lambda **size: learner.call(5, "ConditionalDiT", **size),
            lambda *a, **k: learner.call(6, "ConditionalTrainer", *a, **k),
            loader,
            self.order.seed,
            self.device,
        )
        self._go_on(lambda parts, facts: training.restore(parts, facts["losses"]))
        metrics = self._metrics(len(training.losses))
        total = self.preset.epochs * len(loader)
        with stages.stage("training", total, len(training.losses) * len(loader)) as stage:
            if self.before is None:
                self._save(training.parts(), 0, losses=[])
            while len(training.losses) < self.preset.epochs:
                with learner.blame(6, "ConditionalTrainer.train", let_through=(Stopped,)):
                    loss = training.epoch()
                epoch = len(training.losses)
                self._finite(loss, epoch, "epoch")
                stage.advance(0, note=f"loss {loss:.4f}")
                if metrics:
                    metrics.add(step=epoch, loss=loss, seconds=round(self._seconds(), 2))
                self._save(training.parts(), epoch, losses=training.losses)

    def _looked_at(self, losses: list[torch.Tensor], step: int, stage: Stage) -> float:
        """The mean of the losses since the last look, which are then forgotten."""
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
        """Where a run is resumed, put its state back."""
        if self.before is None:
            return
        try:
            restore(self.before.parts, self.before.facts)
        except (RuntimeError, KeyError, ValueError) as error:
            why = " ".join(str(error).split())[:160]
            raise CheckpointError(
                f"{shown(self.folder)} cannot be gone on with ({type(error).__name__}: {why}): "
                "it is no run of this preset with this implementation; begin a new one without --resume."
            ) from None

    def _metrics(self, step: int) -> MetricsFile | None:
        """The metrics file, of the process that leads."""
        try:
            return MetricsFile(self.folder, step) if self.team.leads else None
        except OSError as error:
            raise TrainingError(
                f"{shown(self.folder)}: cannot write there ({error.strerror}); name another folder."
            ) from None

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
            "preset": self.order.preset,
            "implementation": self.order.impl,
            "dataset": self.preset.dataset,
            "model": asdict(self.preset.model),
            "recipe": recipe,
            "seed": self.order.seed,
            "parts": self.num_parts,
            "step": step,
            "seconds": round(self._seconds(), 2),
            "device": describe(self.device),
            "threads": torch.get_num_threads(),
            "processes": self.team.size,
            "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        }


def describe(device: torch.device) -> str:
    """A device in words: the name of the GPU, or how many cores of which kind of CPU there are."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {os.cpu_count()} cores, {platform.machine()}"


def _preset(order: TrainRequest) -> Preset:
    if order.preset not in PRESETS:
        raise TrainingError(
            f"There is no preset {order.preset!r}: say one of {', '.join(PRESETS)}."
        )
    preset = PRESETS[order.preset]
    if order.steps is None:
        return preset
    if preset.by_trainer:
        return replace(preset, epochs=order.steps)
    return replace(preset, steps=order.steps)


def _as_before(order: TrainRequest, before: Checkpoint) -> TrainRequest:
    """The order of the run that is resumed, on this machine."""
    facts = before.facts
    if not {"preset", "implementation", "recipe", "seed", "parts", "step"} <= facts.keys():
        raise CheckpointError(
            f"{shown(before.folder)} is no run of `kata train`, only weights: begin a new one without --resume."
        )
    return replace(
        order,
        preset=facts["preset"],
        impl=facts["implementation"],
        seed=facts["seed"],
        parts=facts["parts"],
    )


def _recorded(before: Checkpoint) -> Preset:
    """The recipe that a run was begun with."""
    try:
        recipe = {**before.facts["recipe"], "betas": tuple(before.facts["recipe"]["betas"])}
        return Preset(before.dataset, ModelSize(**before.facts["model"]), **recipe)
    except (KeyError, TypeError) as error:
        raise CheckpointError(
            f"{shown(before.folder)} has a recipe that this version does not know ({error}): begin a new run."
        ) from None


def _fresh_name(preset: str) -> Path:
    runs = find_root() / "checkpoints" / "runs"
    stem = f"{preset}-{time.strftime('%Y-%m-%d-%H%M%S')}"
    names = (runs / (stem if n == 1 else f"{stem}-{n}") for n in range(1, 1000))
    return next(name for name in names if not name.exists())


def _make(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TrainingError(
            f"{shown(folder)} is there already: name a new folder with --out, "
            f"or go on with that run with --resume {shown(folder)}."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"{shown(folder)}: cannot write there ({error.strerror}); name another folder with --out."
        ) from None


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals caught so far: the first Ctrl-C or SIGTERM asks to stop, the next one stops at once."""
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
