"""`kata evaluate`: all that is measured on a checkpoint, as one dictionary of plain numbers."""

import io
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.table import Table

from kata.course.files import shown
from kata.lab.options import OptionError, scale_of
from kata.lab.train import chosen_device, describe
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import find_checkpoint, parameters, read_checkpoint
from kata.train.classifier import EPOCHS, batches_of, cached_classifier
from kata.train.data import Dataset, load_dataset
from kata.train.metrics import (
    SampleScorer,
    held_out_losses,
    labels_of_least_loss,
    of_each_class,
    smallest_class,
)
from kata.train.pipeline import CLASSES, Sampling, TrainedModel, starting_noise
from kata.train.progress import Stages
from kata.train.schedule import derived

EVALUATED_SCALES = (0.0, 1.0, 2.0, 4.0, 7.0)
SAMPLES_CHUNK = 100
DRAWS = 10_000
"""Of the held-out losses, at least."""
ASKED, PAIRS = 30, 10
"""The model as a classifier is asked about up to so many images a class, each at so many pairs of time and noise."""


def evaluate_checkpoint(
    checkpoint: str | Path,
    impl: str = "solutions",
    console: Console | None = None,
    scales: Sequence[float] = EVALUATED_SCALES,
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
    studio = TrainedModel(CheckedSteps(impl, io.StringIO()), read, on)
    dataset = load_dataset(read.dataset, data)
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
        self, studio: TrainedModel, data: Dataset, sampling: Sampling, per_class: int, seed: int
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
            judge = SampleScorer(data, classifier, self.per_class)
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
        noise = starting_noise(derived(self.seed, "noise"), len(labels), self.studio.image_shape)
        images = torch.cat(
            [
                self.studio.draw(some, scale, self.sampling, start)
                for some, start in zip(
                    labels.split(SAMPLES_CHUNK), noise.split(SAMPLES_CHUNK), strict=True
                )
            ]
        )
        return images, {
            "samples": len(images),
            "evaluated": self.studio.evaluated - before,
            "seconds": round(time.monotonic() - began, 2),
        }


SCORE_HEADINGS = (
    "w",
    "read as\nasked",
    "spread",
    "of the\nreal",
    "Fréchet\ndistance",
    "nearest",
    "pixels\noutside",
    "evaluated",
    "seconds",
)


def print_scores(report: Mapping[str, Any], console: Console) -> None:
    """The table of scales and the lines below it, in at most 80 columns; report: of `evaluate_checkpoint`."""
    console.print(
        f"{report['checkpoint']}: {report['parameters']:,} parameters, {report['dataset']}. "
        f"{report['scales'][0]['samples']} samples a scale, all from the same noise, "
        f"{_sampling(report['sampling'])}.",
        highlight=False,
    )
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in SCORE_HEADINGS:
        table.add_column(heading, justify="right", vertical="bottom")
    real = report["real"]
    for row in report["scales"]:
        table.add_row(
            f"{row['scale']:g}",
            *_cells(row, real),
            f"{row['evaluated']:,}",
            f"{row['seconds']:.1f}",
        )
    table.add_section()
    table.add_row("real", *_cells(real, real), "", "")
    console.print(table)
    losses, reader = report["losses"], report["model_as_classifier"]
    lines = (
        (
            "held-out loss",
            f"right label {losses['right']:.4f}, null {losses['null']:.4f}, wrong {losses['wrong']:.4f}",
        ),
        ("", f"0.9 right + 0.1 null: {losses['mix']:.4f}"),
        (
            "the model as classifier",
            f"{reader['accuracy']:.1%} of {reader['images']} held-out images, "
            f"{reader['pairs']} noises each",
        ),
        ("the classifier", f"{report['classifier_accuracy']:.2%} of all held-out images"),
        (
            "in all",
            f"{report['evaluated']:,} samples evaluated in {report['seconds']['all']:.0f} s",
        ),
    )
    grid = Table.grid(padding=(0, 2))
    for name, text in lines:
        grid.add_row(name, text)
    console.print(grid, highlight=False)
    console.print(
        "\nreal: held-out images. Read as asked: by the classifier. Spread: the standard deviation of a pixel within a "
        "class. Fréchet distance: in the classifier's features, to training images, "
        f"{report['frechet_per_class']} a class; beside real its floor, of as many others. Nearest: mean distance "
        "to the nearest training image. Pixels outside: beyond [-1, 1] by more than 0.05.",
        style="dim",
        highlight=False,
    )


def write_scores(
    report: Mapping[str, Any], files: Mapping[str, Path | None], console: Console
) -> None:
    """Write what is asked for, `--json` and `--picture`, and say where. OptionError where that fails."""
    for option, path in files.items():
        if path is None:
            continue
        try:
            _WRITERS[option](report, path)
        except OSError as error:
            raise OptionError(
                f"{option} {shown(path)}: writing failed ({error.strerror or error}); name another file."
            ) from None
        print(f"{option.removeprefix('--'):<9}{shown(path)}", file=console.file)


def _write_numbers(report: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _draw_picture(report: Mapping[str, Any], path: Path) -> None:
    """Fidelity against diversity, as PNG."""
    from kata.figures.curve import Curve, fidelity_diversity

    path.write_bytes(fidelity_diversity(Curve.of_evaluation(report)).png)


_WRITERS = {"--json": _write_numbers, "--picture": _draw_picture}


def _cells(row: Mapping[str, Any], real: Mapping[str, Any]) -> list[str]:
    return [
        f"{row['read_as_asked']:.1%}",
        f"{row['spread']:.3f}",
        f"{row['spread'] / real['spread']:.2f}",
        f"{row['frechet']:.2f}",
        f"{row['nearest']:.3f}",
        f"{row['outside']:.1%}",
    ]


def _sampling(sampling: Mapping[str, Any]) -> str:
    return str(Sampling(**{**sampling, "interval": tuple(sampling["interval"])}))
