"""`kata evaluate`: what is measured on a checkpoint, as one dictionary of plain numbers."""

import io
import json
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
from kata.lab.machine import chosen_device, describe_device, versions
from kata.lab.options import OptionError, scale_of, writing_to
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import count_parameters, find_checkpoint, read_checkpoint
from kata.train.classifier import EPOCHS, batches_of, cached_classifier
from kata.train.data import Dataset, load_dataset
from kata.train.loop import derived
from kata.train.metrics import (
    SampleScorer,
    held_out_losses,
    labels_of_least_loss,
    of_each_class,
    smallest_class,
)
from kata.train.pipeline import CLASSES, Pipeline, SampleCounter, Sampling
from kata.train.progress import Stages

EVALUATED_SCALES = (0.0, 1.0, 2.0, 4.0, 7.0)
DRAWS = 10_000
"""Draws of the held-out losses, at least."""
ASKED, PAIRS = 30, 10
"""For the model as a classifier: images per class, and pairs of time and noise per image."""


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
    """Return the measurements of a checkpoint, in a dictionary that JSON can hold.

    For the same seed they are the same, but for the seconds. checkpoint: a name or a folder; impl:
    whose steps 3, 5 and 7; console: where progress goes (None: nowhere); per_class: samples of
    each class at each scale, at least 2; data: the folder of MNIST. Raise a KataError for
    everything that goes wrong.
    """
    sampling = sampling or Sampling()
    scales = [scale_of(scale, "--scales") for scale in scales]
    if per_class < 2:
        raise OptionError(f"--per-class {per_class}: diversity within a class needs two or more.")
    began = time.monotonic()
    on = chosen_device(device)
    read = read_checkpoint(find_checkpoint(checkpoint))
    steps = CheckedSteps(impl, io.StringIO())
    pipeline = Pipeline.from_checkpoint(steps, read, on, sampling, derived(seed, "noise"))
    dataset = load_dataset(read.dataset, data)
    with SampleCounter(pipeline.model) as counter:
        evaluation = _Evaluation(pipeline, counter, dataset, per_class, seed)
        with Stages(console or Console(file=io.StringIO()), evaluation.seconds(scales)) as stages:
            measured = evaluation.run(scales, stages)
    return {
        "checkpoint": shown(read.folder),
        "dataset": read.dataset,
        "implementation": shown(steps.implementation.path),
        "parameters": count_parameters(pipeline.model),
        "sampling": asdict(sampling),
        "per_class": per_class,
        "seed": seed,
        **measured,
        "evaluated": counter.total,
        "seconds": {
            "all": round(time.monotonic() - began, 1),
            **{name: round(took, 1) for name, took in stages.took.items()},
        },
        "device": describe_device(on),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }


class _Evaluation:
    """The measurements, one stage after another."""

    def __init__(
        self, pipeline: Pipeline, counter: SampleCounter, data: Dataset, per_class: int, seed: int
    ) -> None:
        self.pipeline, self.counter, self.data = pipeline, counter, data
        self.per_class, self.seed = per_class, seed
        labels = data.held_out_labels
        self.asked = of_each_class(labels, min(ASKED, smallest_class(labels)))
        self.epochs = EPOCHS[data.name]

    def seconds(self, scales: Sequence[float]) -> dict[str, float]:
        """Return about how long each stage takes on two cores; only the ratios matter."""
        pixels = self.data.images[0].numel()
        one = count_parameters(self.pipeline.model) * pixels / 1e12
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
        """Return all measurements."""
        data, model, counter = self.data, self.pipeline.model, self.counter
        with stages.stage("classifier", batches_of(data, self.epochs)) as stage:
            classifier = cached_classifier(data, lambda loss: stage.advance())
        with stages.stage("losses", 3 * DRAWS) as stage:
            counter.on_samples = stage.advance
            with self.pipeline.steps.blame(5, "ConditionalDiT.forward"):
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
            counter.on_samples = stage.advance
            with self.pipeline.steps.blame(5, "ConditionalDiT.forward"):
                found = labels_of_least_loss(
                    model, images, CLASSES, derived(self.seed, "labels"), PAIRS
                )
        drawn = {}
        noise = self.pipeline.noise(CLASSES * self.per_class)
        with stages.stage("sampling", self._samples(scales)) as stage:
            counter.on_samples = stage.advance
            for scale in scales:
                drawn[scale] = self._draw(scale, noise)
        rows = []
        with stages.stage("comparing", len(scales) + 1) as stage:
            scorer = SampleScorer(data, classifier, self.per_class)
            real = scorer.real()
            stage.advance()
            for scale, (samples, cost) in drawn.items():
                rows.append(
                    {"scale": scale, **asdict(scorer.samples(samples, self._labels())), **cost}
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
            "frechet_per_class": scorer.each,
            "scales": rows,
        }

    def _labels(self) -> torch.Tensor:
        return torch.arange(CLASSES).repeat(self.per_class)

    def _samples(self, scales: Sequence[float]) -> int:
        """Return how many samples the model evaluates for the images of all scales."""
        return sum(self.pipeline.sampling.cost(s) for s in scales) * CLASSES * self.per_class

    def _draw(self, scale: float, noise: torch.Tensor) -> tuple[torch.Tensor, dict[str, Any]]:
        """Return the images of one scale, and what they cost."""
        began, before = time.monotonic(), self.counter.total
        images = self.pipeline.draw(self._labels(), scale, noise)
        return images, {
            "samples": len(images),
            "evaluated": self.counter.total - before,
            "seconds": round(time.monotonic() - began, 2),
        }


SCORE_HEADINGS = (
    "w",
    "read as\nasked",
    "diver-\nsity",
    "of the\nreal",
    "Fréchet\ndistance",
    "nearest",
    "pixels\noutside",
    "evaluated",
    "seconds",
)


def print_scores(report: Mapping[str, Any], console: Console) -> None:
    """Print a report of `evaluate_checkpoint`: a table and lines below it, in 80 columns."""
    console.print(
        f"{report['checkpoint']}: {report['parameters']:,} parameters, {report['dataset']}. "
        f"{report['scales'][0]['samples']} samples per scale, all from the same noise, "
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
        "\nreal: held-out images. Read as asked: by the classifier. Diversity: the standard deviation "
        "of a pixel within a class. Fréchet distance: in the classifier's features, to "
        f"{report['frechet_per_class']} training images per class; in the row real its floor, "
        "between training images. Nearest: mean distance to the nearest training image. Pixels "
        "outside: beyond [-1, 1] by more than 0.05.",
        style="dim",
        highlight=False,
    )


def write_scores(
    report: Mapping[str, Any], files: Mapping[str, Path | None], console: Console
) -> None:
    """Write the files of `--json` and `--picture`, and print where they are."""
    for option, path in files.items():
        if path is None:
            continue
        with writing_to(path, option, "file"):
            _WRITERS[option](report, path)
        print(f"{option.removeprefix('--'):<9}{shown(path)}", file=console.file)


def _write_numbers(report: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _draw_picture(report: Mapping[str, Any], path: Path) -> None:
    """Draw fidelity against diversity, as PNG."""
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
