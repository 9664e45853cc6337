"""What a run found, for the terminal and for the page."""

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
from rich.table import Table as RichTable
from rich.text import Text

from kata.course.files import shown
from kata.figures.whole_run import FIGURES, figures_of_experiment, write_figures
from kata.lab.machine import torch_threads
from kata.lab.options import run_folder, writing_to
from kata.pages.page import Claim, PagePicture, Table, render
from kata.train.checked_steps import CheckedSteps
from kata.train.data import load_dataset
from kata.train.experiment import Experiment, rehearse, run_experiment
from kata.train.metrics import Expectation, expectations, loss_expectation
from kata.train.presets import LAST_ROUNDS, RECIPES, Recipe
from kata.train.progress import Stages

MEASUREMENT_HEADINGS = (
    "guidance scale",
    "read as asked",
    "spread",
    "of the real",
    "pixels outside",
)
NAMES = {
    "digits": "scikit-learn's 8x8 handwritten digits",
    "mnist": "MNIST",
}


def measurement_table(lesson: Experiment) -> Table:
    """The measurements as strings: a row a scale, and one for held-out real images."""
    rows = [
        (
            f"w = {m.scale:g}",
            f"{m.read_as_asked:.1%}",
            f"{m.spread:.3f}",
            f"{m.spread / lesson.real_spread:.2f}",
            f"{m.outside:.1%}",
        )
        for m in lesson.measurements
    ]
    real = ("real, held out", f"{lesson.accuracy:.1%}", f"{lesson.real_spread:.3f}", "1.00", "0.0%")
    return Table(MEASUREMENT_HEADINGS, [*rows, real])


def print_report(console: Console, lesson: Experiment, found: Sequence[Expectation]) -> None:
    """The table, and a line an expectation, in at most 80 columns."""
    count = lesson.measurements[0].samples
    strings = measurement_table(lesson)
    table = RichTable(
        title=f"{count} samples a scale, all from the same noise", title_justify="left"
    )
    for i, heading in enumerate(strings.headings):
        table.add_column(heading, justify="right" if i else "left")
    for i, row in enumerate(strings.rows):
        table.add_row(*row, end_section=i == len(strings.rows) - 2)
    console.print(table)
    console.print(
        f"The classifier reads {lesson.accuracy:.1%} of held-out real images rightly.",
        highlight=False,
    )
    for expectation in found:
        word = Text("holds   ", "green") if expectation.holds else Text("missed  ", "bold red")
        console.print(word + Text(f"{expectation.claim}: {expectation.measured}"), soft_wrap=True)


def page_of(
    facts: dict[str, Any],
    lesson: Experiment,
    found: Sequence[Expectation],
    pictures: Sequence[PagePicture],
) -> str:
    """The page of a run as HTML; facts: those of metrics.json."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return render(
        title="Told to draw a 7, it draws a 7",
        lead=f"A diffusion transformer of {lesson.parameters:,} parameters was trained by flow matching on "
        f"{NAMES[facts['dataset']]}, with a tenth of the labels dropped, and asked for every digit with "
        "classifier-free guidance. Every number and every picture below is from this one run.",
        pictures=pictures,
        table=measurement_table(lesson),
        notes=f"{lesson.measurements[0].samples} samples at each scale, the same number of every class, all "
        "scales from the same noise. Read as asked: the share in which a classifier, trained on the spot, sees "
        f"the digit that was asked for; it reads {lesson.accuracy:.1%} of held-out real images rightly. Spread: "
        "the standard deviation of a pixel over the samples of one class, averaged over pixels and classes. "
        "Pixels outside: the share beyond [-1, 1] by more than 0.05, a sign of over-saturation.",
        claims=[Claim(e.claim, e.measured, e.holds) for e in found],
        footer=f"Implementation {facts['implementation']}, seed {facts['seed']}, on {facts['device']}, {versions}.",
    )


@dataclass(frozen=True)
class DemoRequest:
    """What is asked for.

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
    """Do all of it; whether every expectation was met.

    console: where progress and the report go; recipe: None is the data set's own. The output folder
    appears whole, at the end, or not at all. Raise a KataError for everything that
    goes wrong.
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
            lesson = run_experiment(learner, data, recipe, request.seed, stages)
            found = [
                loss_expectation(lesson.losses, LAST_ROUNDS, recipe.most_loss),
                *expectations(lesson.measurements, lesson.real_spread, recipe.least_read),
            ]
            with stages.stage("drawing", FIGURES + 1) as stage:
                pictures = []
                for picture in write_figures(
                    figures_of_experiment(lesson, recipe.rounds_per_epoch), folder
                ):
                    pictures.append(picture)
                    stage.advance()
                facts = _facts(request, learner, recipe, lesson, found)
                page = page_of(facts, lesson, found, pictures)
                (folder / "index.html").write_text(page, encoding="utf-8")
        facts["seconds"] = {name: round(took, 1) for name, took in stages.took.items()}
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        (folder / "metrics.json").write_text(text, encoding="utf-8")
        names = [picture.path.name for picture in pictures]
    print_report(console, lesson, found)
    _say_where(console, out, names)
    return all(expectation.holds for expectation in found)


def _say_where(console: Console, out: Path, figures: list[str]) -> None:
    """The paths of what was written, one a line, never wrapped."""
    for label, path in (("page", out / "index.html"), ("numbers", out / "metrics.json")):
        print(f"{label:<9}{shown(path)}", file=console.file)
    for i, name in enumerate(figures):
        print(f"{'figures' if i == 0 else '':<9}{shown(out / name)}", file=console.file)


def _facts(
    request: DemoRequest,
    learner: CheckedSteps,
    recipe: Recipe,
    lesson: Experiment,
    found: list[Expectation],
) -> dict[str, Any]:
    """All that metrics.json holds but the seconds; the same for the same seed on the same machine."""
    return {
        "dataset": request.dataset,
        "implementation": shown(learner.implementation.path),
        "seed": request.seed,
        "device": str(lesson.device),
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
        "parameters": lesson.parameters,
        "losses": lesson.losses,
        "classifier_accuracy": lesson.accuracy,
        "real_spread": lesson.real_spread,
        "scales": [asdict(m) for m in lesson.measurements],
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
