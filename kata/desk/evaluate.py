"""`kata evaluate`: all that is measured on a checkpoint, as one dictionary of plain numbers."""

import io
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from kata.course.paths import shown
from kata.desk.artist import CLASSES
from kata.desk.learner import Learner
from kata.desk.options import OptionError, scale_of
from kata.desk.progress import Stages
from kata.desk.studio import Sampling, Studio, noise_of
from kata.desk.training import chosen_device, describe
from kata.train.checkpoints import find_checkpoint, parameters, read_checkpoint
from kata.train.classifier import EPOCHS, batches_of, cached_classifier
from kata.train.data import Dataset, load
from kata.train.judge import Judge
from kata.train.likeness import of_each_class, smallest_class
from kata.train.losses import held_out_losses, labels_of_least_loss
from kata.train.seeds import derived

SCALES = (0.0, 1.0, 2.0, 4.0, 7.0)
CHUNK = 100
DRAWS = 10_000
"""Of the held-out losses, at least."""
ASKED, PAIRS = 30, 10
"""The model as a classifier is asked about up to so many images a class, each at so many pairs of time and noise."""


def evaluate_checkpoint(
    checkpoint: str | Path,
    impl: str = "solutions",
    console: Console | None = None,
    scales: Sequence[float] = SCALES,
    sampling: Sampling | None = None,
    per_class: int = 50,
    seed: int = 0,
    data: Path | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """Measure a checkpoint; a dictionary that JSON can hold, the same for the same seed but for its seconds.

    checkpoint: a name or a folder; impl: whose steps 3, 5 and 7; console: where progress goes (None:
    nowhere); per_class: samples of each class at each scale, at least 2; data: MNIST's folder. Raises OptionError,
    CheckpointError, DataError, TrainingError, StepError or LearnerError, each with a sentence.
    """
    sampling = sampling or Sampling()
    scales = [scale_of(scale, "--scales") for scale in scales]
    if per_class < 2:
        raise OptionError(f"--per-class {per_class}: a spread within a class needs two or more.")
    began = time.monotonic()
    on = chosen_device(device)
    read = read_checkpoint(find_checkpoint(checkpoint))
    studio = Studio(Learner(impl, io.StringIO()), read, on)
    dataset = load(read.dataset, data)
    evaluation = _Evaluation(studio, dataset, sampling, per_class, seed)
    with Stages(console or Console(file=io.StringIO()), evaluation.seconds(scales)) as stages:
        measured = evaluation.run(scales, stages)
    return {
        "checkpoint": shown(read.folder),
        "dataset": read.dataset,
        "implementation": shown(studio.learner.implementation.path),
        "parameters": parameters(read.weights),
        "sampling": asdict(sampling),
        "per_class": per_class,
        "seed": seed,
        **measured,
        "evaluated": studio.evaluated,
        "seconds": {
            "all": round(time.monotonic() - began, 1),
            **{name: round(took, 1) for name, took in stages.took.items()},
        },
        "device": describe(on),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
    }


class _Evaluation:
    """The measurements, one stage after another."""

    def __init__(
        self, studio: Studio, data: Dataset, sampling: Sampling, per_class: int, seed: int
    ) -> None:
        self.studio, self.data, self.sampling = studio, data, sampling
        self.per_class, self.seed = per_class, seed
        labels = data.held_out_labels
        self.asked = of_each_class(labels, min(ASKED, smallest_class(labels)))
        self.epochs = EPOCHS[data.name]

    def seconds(self, scales: Sequence[float]) -> dict[str, float]:
        """The stages, each with about how long it takes on two cores: only the ratios matter."""
        pixels = self.data.images[0].numel()
        one = sum(p.numel() for p in self.studio.model.parameters()) * pixels / 1e12
        read = len(self.data.images) * self.epochs
        compared = self.data.images.numel() * CLASSES * self.per_class
        return {
            "classifier": read * (8e-5 + 3e-7 * pixels),
            "losses": 3 * DRAWS * one,
            "labels": len(self.asked) * CLASSES * PAIRS * one,
            "sampling": self._samples(scales) * one,
            "comparing": len(scales) * (0.3 + compared / 1.5e10),
        }

    def run(self, scales: Sequence[float], stages: Stages) -> dict[str, Any]:
        """All of it."""
        data, model, studio = self.data, self.studio.model, self.studio
        with stages.stage("classifier", batches_of(data, self.epochs)) as stage:
            classifier = cached_classifier(data, lambda loss: stage.advance())
        with stages.stage("losses", 3 * DRAWS) as stage:
            studio.on_evaluated = stage.advance
            with studio.learner.blame(5, "ConditionalDiT.forward"):
                losses = held_out_losses(
                    model,
                    data.held_out_images,
                    data.held_out_labels,
                    CLASSES,
                    derived(self.seed, "losses"),
                    DRAWS,
                )
        images, labels = data.held_out_images[self.asked], data.held_out_labels[self.asked]
        with stages.stage("labels", len(images) * CLASSES * PAIRS) as stage:
            studio.on_evaluated = stage.advance
            with studio.learner.blame(5, "ConditionalDiT.forward"):
                found = labels_of_least_loss(
                    model, images, CLASSES, derived(self.seed, "labels"), PAIRS
                )
        drawn = {}
        with stages.stage("sampling", self._samples(scales)) as stage:
            studio.on_evaluated = stage.advance
            for scale in scales:
                drawn[scale] = self._draw(scale)
        rows = []
        with stages.stage("comparing", len(scales) + 1) as stage:
            judge = Judge(data, classifier, self.per_class)
            real = judge.real()
            stage.advance()
            for scale, (samples, cost) in drawn.items():
                rows.append(
                    {"scale": scale, **asdict(judge.samples(samples, self._labels())), **cost}
                )
                stage.advance()
        return {
            "losses": {**asdict(losses), "mix": losses.mix},
            "classifier_accuracy": real.read_as_asked,
            "model_as_classifier": {
                "accuracy": (found == labels).double().mean().item(),
                "images": len(images),
                "pairs": PAIRS,
            },
            "real": asdict(real),
            "frechet_per_class": judge.each,
            "scales": rows,
        }

    def _labels(self) -> torch.Tensor:
        return torch.arange(CLASSES).repeat(self.per_class)

    def _samples(self, scales: Sequence[float]) -> int:
        """How many samples drawing at all scales evaluates."""
        return sum(self.sampling.cost(s) for s in scales) * CLASSES * self.per_class

    def _draw(self, scale: float) -> tuple[torch.Tensor, dict[str, Any]]:
        """The images of one scale, and what they cost; every scale starts from the same noise."""
        began, before = time.monotonic(), self.studio.evaluated
        labels = self._labels()
        noise = noise_of(derived(self.seed, "noise"), len(labels), self.studio.image_shape)
        images = torch.cat(
            [
                self.studio.draw(some, scale, self.sampling, start)
                for some, start in zip(labels.split(CHUNK), noise.split(CHUNK), strict=True)
            ]
        )
        return images, {
            "samples": len(images),
            "evaluated": self.studio.evaluated - before,
            "seconds": round(time.monotonic() - began, 2),
        }
