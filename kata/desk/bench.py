"""`kata bench`: what things cost, side by side in one run, as a table and as JSON."""

import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from kata.course.loader import Implementation
from kata.course.manifest import step
from kata.course.paths import shown
from kata.desk.prices import Price, prices, print_prices
from kata.desk.progress import Stages
from kata.desk.training import chosen_device, describe
from kata.train.bench.recipes import Run, recipes, time_to_loss
from kata.train.bench.sampling import cost_of_sampling, runs_of_sampling
from kata.train.bench.solvers import SolverCost, cost_of_solvers, most_walks
from kata.train.bench.step import StepCost, cost_of_step, runs_of_step
from kata.train.checkpoints import find_checkpoint, read_checkpoint
from kata.train.classifier import EPOCHS, batches_of, cached_classifier
from kata.train.data import load
from kata.train.presets import RECIPES

PARTS = {"step": 25.0, "sampling": 15.0, "solvers": 25.0, "recipes": 0.0}
"""What there is to measure, with about how many seconds each takes on two cores; recipes takes twice its limit."""
SCALES = (1.0, 4.0)
IMAGES = 100
"""How many are drawn to compare Euler's method with Heun's: ten of each class."""


class BenchError(Exception):
    """The bench cannot begin, or not write its results; the message says why and what to do."""


@dataclass(frozen=True)
class Wish:
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


def run_bench(wish: Wish, console: Console) -> dict[str, Any]:
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

    def __init__(self, wish: Wish, device: torch.device, stages: Stages) -> None:
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
        total = runs_of_sampling(len(SCALES), self.wish.repeats)
        with self.stages.stage("sampling", total) as stage:
            return cost_of_sampling(
                self._of(5, "ConditionalDiT"),
                self._of(7, "sample_conditional"),
                self.device,
                scales=SCALES,
                repeats=self.wish.repeats,
                on_run=stage.advance,
            )

    def solvers(self) -> list[SolverCost]:
        """Euler's method and Heun's on a trained model, read by a classifier that is trained once."""
        checkpoint = read_checkpoint(find_checkpoint(self.wish.checkpoint))
        model = checkpoint.build(self._of(5, "ConditionalDiT")).to(self.device)
        data = load(checkpoint.dataset, self.wish.data)
        batches = batches_of(data, EPOCHS[data.name])
        total = batches + len(SCALES) * most_walks() * (walk := batches // 20)
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
                for scale in SCALES
            ]

    def recipes(self) -> dict[str, Run]:
        """Seconds of training of a small model to the document's loss."""
        data = load("mnist", self.wish.data)
        limit = self.wish.limit
        told: dict[str, float] = {}
        with self.stages.stage("recipes", max(1, round(2 * limit))) as stage:

            def on_turn(name: str, run: Run) -> None:
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
        return getattr(self.steps.module(step(number)), name)


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
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
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
