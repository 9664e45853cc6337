"""The table of `kata bench`: a line for each comparison, what is measured beside what it is compared with."""

import json
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from kata.lab.bench.recipes import TARGET, RecipeRun, recipes, time_to_loss
from kata.lab.bench.sampling import (
    SamplingCost,
    SolverCost,
    cost_of_sampling,
    cost_of_solvers,
    most_walks,
    runs_of_sampling,
)
from kata.lab.bench.step import StepCost, cost_of_step, runs_of_step
from kata.lab.train import chosen_device, describe
from kata.train.checkpoints import find_checkpoint, read_checkpoint
from kata.train.classifier import EPOCHS, batches_of, cached_classifier
from kata.train.data import load_dataset
from kata.train.presets import RECIPES
from kata.train.progress import Stages


@dataclass(frozen=True)
class Price:
    """One line: what is compared, this one, the other one, and their ratio (None: there is none to tell)."""

    what: str
    this: str
    other: str
    ratio: float | None


def prices(found: Mapping[str, Any]) -> list[Price]:
    """The lines of all parts that were measured."""
    of: dict[str, Callable[[Any], list[Price]]] = {
        "step": lambda costs: [line for cost in costs for line in _of_step(cost)],
        "sampling": lambda costs: [line for cost in costs for line in _of_sampling(cost)],
        "solvers": lambda costs: [line for cost in costs for line in _of_solvers(cost)],
        "recipes": _of_recipes,
    }
    return [line for name, part in found.items() for line in of[name](part)]


def print_prices(rows: list[Price], title: str, console: Console) -> None:
    """The table, in at most 80 columns."""
    table = Table(title=title, title_justify="left", width=min(80, console.width))
    table.add_column("")
    for heading in ("this", "beside", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.what, row.this, row.other, ratio)
    console.print(table)


def _of_step(cost: StepCost) -> list[Price]:
    step, plain = median(cost.step), median(cost.plain)
    best = cost.flop / min(cost.step)
    return [
        Price(
            f"training step, {cost.precision}; beside a plain one",
            f"{step:.3f} s",
            f"{plain:.3f} s",
            step / plain,
        ),
        Price(
            "  FLOP/s; beside the best matrix product",
            _rate(cost.rate),
            _rate(cost.peak),
            cost.share,
        ),
        Price(
            "  the same, of the fastest step",
            _rate(best),
            _rate(cost.peak),
            best / cost.peak,
        ),
    ]


def _of_sampling(cost: SamplingCost) -> list[Price]:
    sampler, plain = median(cost.sampler), median(cost.two_passes)
    return [
        Price(
            f"sampling at w = {cost.scale:g}; beside two passes",
            f"{sampler:.3f} s",
            f"{plain:.3f} s",
            sampler / plain,
        ),
        Price(
            "  samples evaluated an image a step",
            f"{cost.evaluated:g}",
            f"{cost.evaluated_by_two_passes:g}",
            cost.evaluated / cost.evaluated_by_two_passes,
        ),
    ]


def _of_solvers(cost: SolverCost) -> list[Price]:
    asked, equal = cost.asked, cost.equal
    what = f"Heun at w = {cost.scale:g}; beside Euler, as near"
    if equal is None:
        return [Price(what, "never", f"{asked.num_steps} steps", None)]
    return [
        Price(what, f"{equal.num_steps} steps", f"{asked.num_steps} steps", None),
        Price(
            "  samples evaluated an image",
            f"{equal.evaluated:g}",
            f"{asked.evaluated:g}",
            equal.evaluated / asked.evaluated,
        ),
        Price(
            "  distance to the end of the path",
            f"{equal.distance:.4f}",
            f"{asked.distance:.4f}",
            equal.distance / asked.distance,
        ),
        Price("  read as asked", f"{equal.read_as_asked:.0%}", f"{asked.read_as_asked:.0%}", None),
    ]


def _of_recipes(runs: Mapping[str, RecipeRun]) -> list[Price]:
    (this, mine), (other, theirs) = runs.items()
    ratio = mine.reached / theirs.reached if mine.reached and theirs.reached else None
    return [
        Price(f"{this}; beside the {other}'s recipe", _reached(mine), _reached(theirs), ratio),
        Price(
            f"  held-out loss; {TARGET} is asked",
            f"{mine.loss:.4f}",
            f"{theirs.loss:.4f}",
            mine.loss / theirs.loss,
        ),
        Price("  steps", f"{mine.steps:,}", f"{theirs.steps:,}", None),
    ]


def _reached(run: RecipeRun) -> str:
    return f"{run.reached:.0f} s" if run.reached else f"not in {run.seconds:.0f} s"


def _rate(flop_per_second: float) -> str:
    if flop_per_second >= 1e13:
        return f"{flop_per_second / 1e12:.0f} TFLOP/s"
    return f"{flop_per_second / 1e9:.0f} GFLOP/s"


PARTS = {"step": 25.0, "sampling": 15.0, "solvers": 25.0, "recipes": 0.0}
"""What there is to measure, with about how many seconds each takes on two cores; recipes takes twice its limit."""
BENCH_SCALES = (1.0, 4.0)
IMAGES = 100
"""How many are drawn to compare Euler's method with Heun's: ten of each class."""


class BenchError(Exception):
    """The bench cannot begin, or not write its results; the message says why and what to do."""


@dataclass(frozen=True)
class BenchRequest:
    """What is asked for.

    only: a name of PARTS (None: all, `recipes` only where full); device: `cpu` or `cuda`; threads: of torch on
    a CPU (None: its default); repeats: of everything that is timed; checkpoint: whose samples Euler's method
    and Heun's are compared on; data: MNIST's folder (None: as in `data_folder`); full: also train to a loss, each
    recipe for at most `limit` seconds; out: the JSON file.
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


def run_bench(wish: BenchRequest, console: Console) -> dict[str, Any]:
    """Measure, print the table, write the JSON; returns what is written there.

    console: where progress and the table go. Raises BenchError, CountError, TrainingError, CheckpointError,
    DataError or StepError, each with a sentence for the person at the keyboard.
    """
    if wish.only is not None and wish.only not in PARTS:
        raise BenchError(f"--only {wish.only}: say one of {', '.join(PARTS)}.")
    if wish.out is not None and not wish.out.parent.is_dir():
        raise BenchError(f"--json {shown(wish.out)}: there is no such folder; make it first.")
    device = chosen_device(wish.device)
    if device.type not in ("cpu", "cuda"):
        raise BenchError(f"--device {wish.device}: the bench measures on cpu or cuda.")
    seconds = dict(PARTS, recipes=2 * wish.limit)
    names = [wish.only] if wish.only else [n for n in PARTS if n != "recipes" or wish.full]
    with (
        _threads(wish.threads),
        Stages(console, {name: seconds[name] for name in names}) as stages,
    ):
        threads = torch.get_num_threads()
        bench = _Bench(wish, device, stages)
        found = {name: getattr(bench, name)() for name in names}
    rows = prices(found)
    print_prices(rows, _title(device, threads, wish.repeats), console)
    if not wish.only and not wish.full:
        print(
            "Not measured: seconds of training to a held-out loss. `kata bench --only recipes`\n"
            f"trains two recipes for it, each for at most {wish.limit:.0f} s (--limit).",
            file=console.file,
        )
    facts = _facts(device, threads, found, rows)
    if wish.out is not None:
        _write(wish.out, facts)
    return facts


class _Bench:
    """The parts, by the names of PARTS, on the solutions of the steps."""

    def __init__(self, wish: BenchRequest, device: torch.device, stages: Stages) -> None:
        self.wish, self.device, self.stages = wish, device, stages
        self.steps = Implementation("solutions", assembled=True)

    def step(self) -> list[StepCost]:
        """A training step of the document's model: in fp32, on a GPU in bf16 as well."""
        precisions = ("fp32", "bf16") if self.device.type == "cuda" else ("fp32",)
        total = len(precisions) * runs_of_step(self.device, self.wish.repeats)
        with self.stages.stage("step", total) as stage:
            return [
                cost_of_step(
                    self._of(5, "ConditionalDiT"),
                    self._of(6, "flow_matching_loss"),
                    self.device,
                    precision,
                    repeats=self.wish.repeats,
                    on_run=stage.advance,
                )
                for precision in precisions
            ]

    def sampling(self) -> Any:
        """Guided sampling of the document's model."""
        total = runs_of_sampling(len(BENCH_SCALES), self.wish.repeats)
        with self.stages.stage("sampling", total) as stage:
            return cost_of_sampling(
                self._of(5, "ConditionalDiT"),
                self._of(7, "sample_conditional"),
                self.device,
                scales=BENCH_SCALES,
                repeats=self.wish.repeats,
                on_run=stage.advance,
            )

    def solvers(self) -> list[SolverCost]:
        """Euler's method and Heun's on a trained model, read by a classifier that is trained once."""
        checkpoint = read_checkpoint(find_checkpoint(self.wish.checkpoint))
        model = checkpoint.build(self._of(5, "ConditionalDiT")).to(self.device)
        data = load_dataset(checkpoint.dataset, self.wish.data)
        batches = batches_of(data, EPOCHS[data.name])
        total = batches + len(BENCH_SCALES) * most_walks() * (walk := batches // 20)
        threads = self.wish.threads or RECIPES[checkpoint.dataset].threads
        with self.stages.stage("solvers", total) as stage, _threads(threads):
            judge = cached_classifier(data, lambda loss: stage.advance()).to(self.device)
            generator = torch.Generator().manual_seed(0)
            noise = torch.randn(IMAGES, *checkpoint.image_shape, generator=generator)
            return [
                cost_of_solvers(
                    model,
                    self._of(3, "guided_velocity"),
                    judge,
                    noise.to(self.device),
                    torch.arange(IMAGES, device=self.device) % 10,
                    scale,
                    on_walk=lambda: stage.advance(walk),
                )
                for scale in BENCH_SCALES
            ]

    def recipes(self) -> dict[str, RecipeRun]:
        """Seconds of training of a small model to the document's loss."""
        data = load_dataset("mnist", self.wish.data)
        limit = self.wish.limit
        told: dict[str, float] = {}
        with self.stages.stage("recipes", max(1, round(2 * limit))) as stage:

            def on_turn(name: str, run: RecipeRun) -> None:
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
    where = describe(device) + (f", {threads} thread{plural}" if device.type == "cpu" else "")
    return f"{where}; times are medians of {repeats}, in turn"


def _facts(
    device: torch.device, threads: int, found: dict[str, Any], rows: list[Price]
) -> dict[str, Any]:
    return {
        "device": describe(device),
        "threads": threads,
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        "prices": [asdict(row) for row in rows],
        **{name: _plain(part) for name, part in found.items()},
    }


def _plain(part: Any) -> Any:
    """Data classes in lists and dicts as JSON knows them."""
    if isinstance(part, list):
        return [asdict(one) for one in part]
    return {name: asdict(one) for name, one in part.items()}


def _write(path: Path, facts: dict[str, Any]) -> None:
    try:
        write_atomic(path, json.dumps(facts, indent=2) + "\n")
    except OSError as error:
        raise BenchError(
            f"--json {shown(path)}: cannot write there ({error.strerror}); name another file."
        ) from None


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
