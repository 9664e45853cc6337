"""`kata bench`: measure the parts that were chosen, and print what each is compared with."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from kata.course.files import shown, write_atomic
from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.lab.bench.recipes import TARGET, RecipeProgress, recipes, time_to_loss
from kata.lab.bench.sampling import (
    SamplingCost,
    SolverCost,
    cost_of_sampling,
    cost_of_solvers,
    most_solver_runs,
    runs_of_sampling,
)
from kata.lab.bench.step import StepCost, cost_of_step, runs_of_step
from kata.lab.machine import chosen_device, describe_device, torch_threads, versions
from kata.lab.options import OptionError, writing_to
from kata.train.checkpoints import find_checkpoint, read_checkpoint
from kata.train.classifier import EPOCHS, batches_of, cached_classifier
from kata.train.data import load_dataset
from kata.train.pipeline import CLASSES
from kata.train.presets import RECIPES
from kata.train.progress import Stages


@dataclass(frozen=True)
class Comparison:
    """One line of the table: what is compared, this one, the other one, and their ratio if any."""

    what: str
    this: str
    other: str
    ratio: float | None


def comparisons(found: Mapping[str, Any]) -> list[Comparison]:
    """Return the lines of all parts that were measured."""
    of: dict[str, Callable[[Any], list[Comparison]]] = {
        "step": lambda costs: [line for cost in costs for line in _of_step(cost)],
        "sampling": lambda costs: [line for cost in costs for line in _of_sampling(cost)],
        "solvers": lambda costs: [line for cost in costs for line in _of_solvers(cost)],
        "recipes": _of_recipes,
    }
    return [line for name, part in found.items() for line in of[name](part)]


def print_comparisons(rows: list[Comparison], title: str, console: Console) -> None:
    """Print the table, in at most 80 columns."""
    table = Table(title=title, title_justify="left", width=min(80, console.width))
    table.add_column("")
    for heading in ("this", "beside", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.what, row.this, row.other, ratio)
    console.print(table)


def _of_step(cost: StepCost) -> list[Comparison]:
    step, plain = median(cost.step), median(cost.plain)
    best = cost.flop / min(cost.step)
    return [
        Comparison(
            f"training step, {cost.precision}; beside a plain one",
            f"{step:.3f} s",
            f"{plain:.3f} s",
            step / plain,
        ),
        Comparison(
            "  FLOP/s; beside the best matrix product",
            _rate(cost.rate),
            _rate(cost.peak),
            cost.share,
        ),
        Comparison(
            "  the same, of the fastest step",
            _rate(best),
            _rate(cost.peak),
            best / cost.peak,
        ),
    ]


def _of_sampling(cost: SamplingCost) -> list[Comparison]:
    sampler, plain = median(cost.sampler), median(cost.two_passes)
    return [
        Comparison(
            f"sampling at w = {cost.scale:g}; beside two passes",
            f"{sampler:.3f} s",
            f"{plain:.3f} s",
            sampler / plain,
        ),
        Comparison(
            "  samples evaluated per image and step",
            f"{cost.evaluated:g}",
            f"{cost.evaluated_by_two_passes:g}",
            cost.evaluated / cost.evaluated_by_two_passes,
        ),
    ]


def _of_solvers(cost: SolverCost) -> list[Comparison]:
    asked, equal = cost.asked, cost.equal
    what = f"Heun at w = {cost.scale:g}; beside Euler, as near"
    if equal is None:
        return [Comparison(what, "never", f"{asked.num_steps} steps", None)]
    return [
        Comparison(what, f"{equal.num_steps} steps", f"{asked.num_steps} steps", None),
        Comparison(
            "  samples evaluated per image",
            f"{equal.evaluated:g}",
            f"{asked.evaluated:g}",
            equal.evaluated / asked.evaluated,
        ),
        Comparison(
            "  distance to the end of the path",
            f"{equal.distance:.4f}",
            f"{asked.distance:.4f}",
            equal.distance / asked.distance,
        ),
        Comparison(
            "  read as asked", f"{equal.read_as_asked:.0%}", f"{asked.read_as_asked:.0%}", None
        ),
    ]


def _of_recipes(runs: Mapping[str, RecipeProgress]) -> list[Comparison]:
    (this, mine), (other, theirs) = runs.items()
    ratio = mine.reached / theirs.reached if mine.reached and theirs.reached else None
    return [
        Comparison(f"{this}; beside the {other}'s recipe", _reached(mine), _reached(theirs), ratio),
        Comparison(
            f"  held-out loss; the target is {TARGET}",
            f"{mine.loss:.4f}",
            f"{theirs.loss:.4f}",
            mine.loss / theirs.loss,
        ),
        Comparison("  steps", f"{mine.steps:,}", f"{theirs.steps:,}", None),
    ]


def _reached(run: RecipeProgress) -> str:
    return f"{run.reached:.0f} s" if run.reached else f"not in {run.seconds:.0f} s"


def _rate(flop_per_second: float) -> str:
    if flop_per_second >= 1e13:
        return f"{flop_per_second / 1e12:.0f} TFLOP/s"
    return f"{flop_per_second / 1e9:.0f} GFLOP/s"


PARTS = {"step": 25.0, "sampling": 15.0, "solvers": 25.0, "recipes": 0.0}
"""What can be measured, and the seconds that it takes on two cores; recipes take their limits."""
BENCH_SCALES = (1.0, 4.0)
IMAGES = 100
"""Drawn to compare Euler's method with Heun's: ten of each class."""


@dataclass(frozen=True)
class BenchRequest:
    """The options of `kata bench`.

    only: a name of PARTS (None: all, `recipes` only if full); device: `cpu` or `cuda`; threads: of
    PyTorch on a CPU (None: its default); repeats: of everything that is timed; checkpoint: of the
    model on which Euler's method and Heun's are compared; data: the folder of MNIST (None: as in
    `data_folder`); full: also train to a loss, each recipe for at most `limit` seconds; out: the
    JSON file.
    """

    only: str | None = None
    device: str = "cpu"
    threads: int | None = None
    repeats: int = 7
    checkpoint: str = "digits"
    data: Path | None = None
    full: bool = False
    limit: float = 900.0
    out: Path | None = None


def run_bench(request: BenchRequest, console: Console) -> dict[str, Any]:
    """Measure, print the table, write the JSON. Return what is written there.

    console: where progress and the table go. Raise CountError if a sampler evaluates a wrong
    number of samples, and a KataError for everything else that goes wrong.
    """
    if request.only is not None and request.only not in PARTS:
        raise OptionError(f"--only {request.only}: say one of {', '.join(PARTS)}.")
    if request.out is not None and not request.out.parent.is_dir():
        raise OptionError(f"--json {shown(request.out)}: there is no such folder; make it first.")
    device = chosen_device(request.device)
    if device.type not in ("cpu", "cuda"):
        raise OptionError(f"--device {request.device}: the bench measures on cpu or cuda.")
    seconds = dict(PARTS, recipes=2 * request.limit)
    names = [request.only] if request.only else [n for n in PARTS if n != "recipes" or request.full]
    with (
        torch_threads(request.threads),
        Stages(console, {name: seconds[name] for name in names}) as stages,
    ):
        threads = torch.get_num_threads()
        bench = _Bench(request, device, stages)
        found = {name: getattr(bench, name)() for name in names}
    rows = comparisons(found)
    print_comparisons(rows, _title(device, threads, request.repeats), console)
    if not request.only and not request.full:
        print(
            "Not measured: seconds of training to a held-out loss. `kata bench --only recipes`\n"
            f"trains two recipes for it, each for at most {request.limit:.0f} s (--limit).",
            file=console.file,
        )
    facts = _facts(device, threads, found, rows)
    if request.out is not None:
        with writing_to(request.out, "--json", "file"):
            write_atomic(request.out, json.dumps(facts, indent=2) + "\n")
    return facts


class _Bench:
    """The parts, one method per name of PARTS, on the solutions of the steps."""

    def __init__(self, request: BenchRequest, device: torch.device, stages: Stages) -> None:
        self.request, self.device, self.stages = request, device, stages
        self.steps = Implementation("solutions", assembled=True)

    def step(self) -> list[StepCost]:
        """Measure a training step of the document's model: in fp32, on a GPU in bf16 as well."""
        precisions = ("fp32", "bf16") if self.device.type == "cuda" else ("fp32",)
        total = len(precisions) * runs_of_step(self.device, self.request.repeats)
        with self.stages.stage("step", total) as stage:
            return [
                cost_of_step(
                    self._of(5, "ConditionalDiT"),
                    self._of(6, "flow_matching_loss"),
                    self.device,
                    precision,
                    repeats=self.request.repeats,
                    on_run=stage.advance,
                )
                for precision in precisions
            ]

    def sampling(self) -> Any:
        """Measure guided sampling of the document's model."""
        total = runs_of_sampling(len(BENCH_SCALES), self.request.repeats)
        with self.stages.stage("sampling", total) as stage:
            return cost_of_sampling(
                self._of(5, "ConditionalDiT"),
                self._of(7, "sample_conditional"),
                self.device,
                scales=BENCH_SCALES,
                repeats=self.request.repeats,
                on_run=stage.advance,
            )

    def solvers(self) -> list[SolverCost]:
        """Compare Euler's method and Heun's on a trained model; a classifier reads the images."""
        checkpoint = read_checkpoint(find_checkpoint(self.request.checkpoint))
        model = checkpoint.build(self._of(5, "ConditionalDiT")).to(self.device)
        data = load_dataset(checkpoint.dataset, self.request.data)
        batches = batches_of(data, EPOCHS[data.name])
        total = batches + len(BENCH_SCALES) * most_solver_runs() * (walk := batches // 20)
        threads = self.request.threads or RECIPES[checkpoint.dataset].threads
        with self.stages.stage("solvers", total) as stage, torch_threads(threads):
            classifier = cached_classifier(data, lambda loss: stage.advance()).to(self.device)
            generator = torch.Generator().manual_seed(0)
            noise = torch.randn(IMAGES, *checkpoint.image_shape, generator=generator)
            return [
                cost_of_solvers(
                    model,
                    self._of(3, "guided_velocity"),
                    classifier,
                    noise.to(self.device),
                    torch.arange(IMAGES, device=self.device) % CLASSES,
                    scale,
                    on_run=lambda: stage.advance(walk),
                )
                for scale in BENCH_SCALES
            ]

    def recipes(self) -> dict[str, RecipeProgress]:
        """Measure the seconds of training of a small model to the document's loss."""
        data = load_dataset("mnist", self.request.data)
        limit = self.request.limit
        told: dict[str, float] = {}
        with self.stages.stage("recipes", max(1, round(2 * limit))) as stage:

            def on_turn(name: str, run: RecipeProgress) -> None:
                stage.advance(round(run.seconds - told.get(name, 0.0)), note=f"loss {run.loss:.4f}")
                told[name] = run.seconds

            return time_to_loss(
                recipes(),
                self._of(5, "ConditionalDiT"),
                self._of(6, "flow_matching_loss"),
                data,
                self.device,
                limit,
                on_turn=on_turn,
            )

    def _of(self, number: int, name: str) -> Any:
        return getattr(self.steps.module(step_by_number(number)), name)


def _title(device: torch.device, threads: int, repeats: int) -> str:
    plural = "s" if threads > 1 else ""
    where = describe_device(device) + (
        f", {threads} thread{plural}" if device.type == "cpu" else ""
    )
    return f"{where}; times are medians of {repeats}, in turn"


def _facts(
    device: torch.device, threads: int, found: dict[str, Any], rows: list[Comparison]
) -> dict[str, Any]:
    return {
        "device": describe_device(device),
        "threads": threads,
        "versions": versions(),
        "prices": [asdict(row) for row in rows],
        **{name: _plain(part) for name, part in found.items()},
    }


def _plain(part: Any) -> Any:
    """Return data classes in lists and dicts as JSON knows them."""
    if isinstance(part, list):
        return [asdict(one) for one in part]
    return {name: asdict(one) for name, one in part.items()}
