"""`kata demo`: train on handwritten digits, measure what guidance does, and write a page about
it.
"""

import json
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kata.course.files import shown
from kata.figures import charts, curve, images, tables
from kata.figures.style import CaptionedFigure
from kata.lab.machine import torch_threads
from kata.lab.options import run_folder, writing_to
from kata.pages import render
from kata.train.checked_steps import CheckedSteps
from kata.train.data import load_dataset
from kata.train.experiment import (
    DIGIT_SCALES,
    FIELD_DIGIT,
    GRID_SCALE,
    MODES_DIGIT,
    SCALES_DIGIT,
    Experiment,
    rehearse,
    run_experiment,
)
from kata.train.metrics import Expectation, expectations, loss_expectation
from kata.train.presets import LAST_ROUNDS, RECIPES, Recipe
from kata.train.progress import Stages

MEASUREMENT_HEADINGS = (
    "guidance scale",
    "read as asked",
    "diversity",
    "of the real",
    "pixels outside",
)
NAMES = {
    "digits": "scikit-learn's 8x8 handwritten digits",
    "mnist": "MNIST",
}


def measurement_rows(run: Experiment) -> list[tuple[str, ...]]:
    """Return the measurements as strings: one row per scale, and one for held-out real images."""
    rows = [
        (
            f"w = {m.scale:g}",
            f"{m.read_as_asked:.1%}",
            f"{m.spread:.3f}",
            f"{m.spread / run.real_spread:.2f}",
            f"{m.outside:.1%}",
        )
        for m in run.measurements
    ]
    real = ("real, held out", f"{run.accuracy:.1%}", f"{run.real_spread:.3f}", "1.00", "0.0%")
    return [*rows, real]


def print_report(console: Console, run: Experiment, found: Sequence[Expectation]) -> None:
    """Print the table, and one line per expectation, in at most 80 columns."""
    count = run.measurements[0].samples
    rows = measurement_rows(run)
    table = Table(title=f"{count} samples per scale, all from the same noise", title_justify="left")
    for i, heading in enumerate(MEASUREMENT_HEADINGS):
        table.add_column(heading, justify="right" if i else "left")
    for i, row in enumerate(rows):
        table.add_row(*row, end_section=i == len(rows) - 2)
    console.print(table)
    console.print(
        f"The classifier reads {run.accuracy:.1%} of held-out real images correctly.",
        highlight=False,
    )
    for expectation in found:
        word = Text("holds   ", "green") if expectation.holds else Text("missed  ", "bold red")
        console.print(word + Text(f"{expectation.claim}: {expectation.measured}"), soft_wrap=True)


def figures_of(run: Experiment, rounds_per_epoch: float) -> list[CaptionedFigure]:
    """Return the document's ten figures and one more.

    rounds_per_epoch: how many values of the loss there are for one pass over the data.
    """
    inside, grids = run.inside, run.pictures
    return [
        tables.class_table(inside.table_before, inside.similarity_before),
        charts.conditioning_sum(inside.time_embedding, inside.class_embedding, inside.conditioning),
        images.guided_fields(
            inside.unconditional,
            inside.conditional,
            inside.truth,
            inside.guided,
            FIELD_DIGIT,
            f"a held-out {FIELD_DIGIT}",
        ),
        charts.label_dropout(inside.labels, inside.dropped, len(inside.table_before) - 1),
        charts.loss(run.losses, rounds_per_epoch),
        images.every_digit(grids.small, GRID_SCALE),
        images.by_scale(
            grids.by_scale,
            DIGIT_SCALES,
            grids.by_scale_fidelity,
            grids.by_scale_diversity,
            SCALES_DIGIT,
        ),
        images.more_digits(grids.large, GRID_SCALE),
        images.three_modes(grids.modes, MODES_DIGIT, GRID_SCALE),
        tables.learned_table(inside.table_after, inside.similarity_after, inside.map_after),
        curve.fidelity_diversity(
            curve.Curve(
                [m.scale for m in run.measurements],
                [m.read_as_asked for m in run.measurements],
                [m.spread for m in run.measurements],
                run.accuracy,
                run.real_spread,
                run.measurements[0].samples,
            )
        ),
    ]


def page_of(
    facts: dict[str, Any],
    run: Experiment,
    found: Sequence[Expectation],
    figures: Sequence[CaptionedFigure],
) -> str:
    """Return the page of a run as HTML; facts: those of metrics.json."""
    return render(
        "run.html",
        facts=facts,
        dataset=NAMES[facts["dataset"]],
        parameters=run.parameters,
        accuracy=run.accuracy,
        samples=run.measurements[0].samples,
        headings=MEASUREMENT_HEADINGS,
        rows=measurement_rows(run),
        expectations=found,
        figures=figures,
    )


@dataclass(frozen=True)
class DemoRequest:
    """The options of `kata demo`.

    impl: `exercises`, `solutions`, or a path; dataset: `digits` or `mnist`; data: MNIST's folder
    (None: as in `data_folder`); seed: of everything random, 0 .. 2 ** 32 - 1; out: the folder to
    make (None: a new one under checkpoints/runs/).
    """

    impl: str = "solutions"
    dataset: str = "digits"
    data: Path | None = None
    seed: int = 0
    out: Path | None = None


def run_demo(request: DemoRequest, console: Console, recipe: Recipe | None = None) -> bool:
    """Do all of it, and return whether every expectation was met.

    console: where progress and the report go; recipe: None is the data set's own. The output folder
    appears whole, at the end, or not at all. Raise a KataError for everything that goes wrong.
    """
    recipe = recipe or RECIPES[request.dataset]
    out = run_folder(request.out, request.dataset)
    with _new_folder(out) as folder, torch_threads(recipe.threads):
        with (
            (folder / "training.log").open("w", encoding="utf-8") as log,
            Stages(console, recipe.stages) as stages,
        ):
            with stages.stage("data", 2) as stage:
                learner = CheckedSteps(request.impl, log)
                data = load_dataset(request.dataset, request.data)
                stage.advance()
                rehearse(learner, data, recipe, request.seed)
            log.seek(0)
            log.truncate()
            run = run_experiment(learner, data, recipe, request.seed, stages)
            found = [
                loss_expectation(run.losses, LAST_ROUNDS, recipe.most_loss),
                *expectations(run.measurements, run.real_spread, recipe.least_read),
            ]
            figures = figures_of(run, recipe.rounds_per_epoch)
            files = [f"{number:02d}_{f.name}.png" for number, f in enumerate(figures, start=1)]
            with stages.stage("drawing", len(figures) + 1) as stage:
                for file, figure in zip(files, figures, strict=True):
                    (folder / file).write_bytes(figure.png)
                    stage.advance()
                facts = _facts(request, learner, recipe, run, found)
                page = page_of(facts, run, found, figures)
                (folder / "index.html").write_text(page, encoding="utf-8")
        facts["seconds"] = {name: round(took, 1) for name, took in stages.took.items()}
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        (folder / "metrics.json").write_text(text, encoding="utf-8")
    print_report(console, run, found)
    _say_where(console, out, files)
    return all(expectation.holds for expectation in found)


def _say_where(console: Console, out: Path, figures: list[str]) -> None:
    """Print the paths of what was written, one per line, never wrapped."""
    for label, path in (("page", out / "index.html"), ("numbers", out / "metrics.json")):
        print(f"{label:<9}{shown(path)}", file=console.file)
    for i, name in enumerate(figures):
        print(f"{'figures' if i == 0 else '':<9}{shown(out / name)}", file=console.file)


def _facts(
    request: DemoRequest,
    learner: CheckedSteps,
    recipe: Recipe,
    run: Experiment,
    found: list[Expectation],
) -> dict[str, Any]:
    """Everything in metrics.json except the seconds: the same for the same seed on the same
    machine.
    """
    return {
        "dataset": request.dataset,
        "implementation": shown(learner.implementation.path),
        "seed": request.seed,
        "device": str(run.device),
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": str(np.__version__),
        },
        "recipe": {
            k: v
            for k, v in asdict(recipe).items()
            if k not in ("stages", "most_loss", "least_read")
        },
        "parameters": run.parameters,
        "losses": run.losses,
        "classifier_accuracy": run.accuracy,
        "real_spread": run.real_spread,
        "scales": [asdict(m) for m in run.measurements],
        "expectations": [asdict(e) for e in found],
    }


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder that takes the name `out` if all goes well, and is removed otherwise."""
    with writing_to(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        with writing_to(out):
            yield folder
            folder.chmod(0o755)
            if out.exists():
                out.rmdir()
            folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
