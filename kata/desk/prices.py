"""The table of `kata bench`: a line for each comparison, what is measured beside what it is compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from kata.train.bench.recipes import TARGET, Run
from kata.train.bench.sampling import SamplingCost
from kata.train.bench.solvers import SolverCost
from kata.train.bench.step import StepCost


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


def _of_recipes(runs: Mapping[str, Run]) -> list[Price]:
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


def _reached(run: Run) -> str:
    return f"{run.reached:.0f} s" if run.reached else f"not in {run.seconds:.0f} s"


def _rate(flop_per_second: float) -> str:
    if flop_per_second >= 1e13:
        return f"{flop_per_second / 1e12:.0f} TFLOP/s"
    return f"{flop_per_second / 1e9:.0f} GFLOP/s"
