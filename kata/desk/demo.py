"""`kata demo`: train, draw and measure, from an implementation of the ten steps to a page of figures."""

import json
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from kata.course.paths import find_root, shown
from kata.desk.gallery import FIGURES, exhibits_of, hang
from kata.desk.learner import Learner
from kata.desk.lesson import Lesson, rehearse, teach
from kata.desk.progress import Stages
from kata.desk.report import page_of, print_report
from kata.train.data import load
from kata.train.evaluation import Expectation, expectations, loss_expectation
from kata.train.presets import LAST_ROUNDS, RECIPES, Recipe


class OutputError(Exception):
    """The results cannot be written where they should go; the message says why and what to do."""


@dataclass(frozen=True)
class Request:
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


def run_demo(request: Request, console: Console, recipe: Recipe | None = None) -> bool:
    """Do all of it; whether every expectation was met.

    console: where progress and the report go; recipe: None is the data set's own. The output folder
    appears whole, at the end, or not at all. Raises StepError, LearnerError, DataError or
    OutputError, each with a sentence for the person at the keyboard.
    """
    recipe = recipe or RECIPES[request.dataset]
    out = (request.out or _fresh_name(request.dataset)).resolve()
    with _new_folder(out) as folder, _threads(recipe.threads):
        with (
            (folder / "training.log").open("w", encoding="utf-8") as log,
            Stages(console, recipe.stages) as stages,
        ):
            with stages.stage("data", 2) as stage:
                learner = Learner(request.impl, log)
                data = load(request.dataset, request.data)
                stage.advance()
                rehearse(learner, data, recipe, request.seed)
            log.seek(0)
            log.truncate()
            lesson = teach(learner, data, recipe, request.seed, stages)
            found = [
                loss_expectation(lesson.losses, LAST_ROUNDS, recipe.most_loss),
                *expectations(lesson.measurements, lesson.real_spread, recipe.least_read),
            ]
            with stages.stage("drawing", FIGURES + 1) as stage:
                pictures = []
                for picture in hang(exhibits_of(lesson, recipe.rounds_per_epoch), folder):
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
    request: Request,
    learner: Learner,
    recipe: Recipe,
    lesson: Lesson,
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


def _fresh_name(dataset: str) -> Path:
    """A folder under checkpoints/runs/ that does not exist yet, named for the data set and the time."""
    runs = find_root() / "checkpoints" / "runs"
    name = f"{dataset}-{datetime.now():%Y-%m-%d-%H%M%S}"
    number = 1
    while (out := runs / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return out


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that takes its name when all went well, and vanishes otherwise."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"--out {shown(out)}: it is there already; name a folder that is not.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise OutputError(
            f"--out {shown(out)}: cannot write there ({error.strerror}); name another folder."
        ) from None
    try:
        yield folder
        folder.chmod(0o755)
        if out.exists():
            out.rmdir()
        folder.rename(out)
    except OSError as error:
        raise OutputError(
            f"--out {shown(out)}: writing failed ({error.strerror or error}); nothing was kept."
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many threads of torch (None: as many as it has), and afterwards as many as before."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
