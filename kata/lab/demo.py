"""`kata demo`: train on handwritten digits, measure what guidance does, and write a page about
it.
"""

import json
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from kata.course.files import shown
from kata.lab.machine import torch_threads
from kata.lab.options import run_folder, writing_to
from kata.lab.report import figures_of, page_of, print_report
from kata.train.checked_steps import CheckedSteps
from kata.train.data import load_dataset
from kata.train.experiment import Experiment, rehearse, run_experiment
from kata.train.metrics import Expectation, expectations, loss_expectation
from kata.train.presets import LAST_ROUNDS, RECIPES, Recipe
from kata.train.progress import Stages


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
            figures = figures_of(run, recipe, request.dataset)
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
    """Print the paths of what was written, one per line, never wrapped; the page is the last."""
    for i, name in enumerate(figures):
        print(f"{'figures' if i == 0 else '':<9}{shown(out / name)}", file=console.file)
    for label, path in (("numbers", out / "metrics.json"), ("page", out / "index.html")):
        print(f"{label:<9}{shown(path)}", file=console.file)


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
