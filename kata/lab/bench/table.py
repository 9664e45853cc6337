"""The table of `kata bench`: what was measured, each figure beside what it is compared with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from kata.lab.bench.memory import PeakMemory
from kata.lab.bench.recipes import RecipeProgress, mean_of
from kata.lab.bench.sampling import SamplingCost, SolverCost
from kata.lab.bench.startup import StartUp
from kata.lab.bench.step import StepCost
from kata.train.presets import TARGET_LOSS


@dataclass(frozen=True)
class Comparison:
    """One line of the table: what is compared, this one, the other one, and their ratio if any."""

    what: str
    this: str
    other: str
    ratio: float | None = None


def comparisons(found: Mapping[str, Any]) -> list[Comparison]:
    """Return the lines of the parts that were measured; samplers have a table of their own."""
    of: dict[str, Callable[[Any], list[Comparison]]] = {
        "step": lambda costs: [line for cost in costs for line in _of_step(cost)],
        "sampling": lambda costs: [line for cost in costs for line in _of_sampling(cost)],
        "solvers": lambda costs: [line for cost in costs for line in _of_solvers(cost)],
        "memory": lambda peaks: [_of_memory(peak) for peak in peaks],
        "startup": lambda starts: [_of_startup(start) for start in starts],
        "recipes": _of_recipes,
    }
    return [line for name, part in found.items() if name in of for line in of[name](part)]


def print_comparisons(
    rows: list[Comparison], title: str, below: Sequence[str], console: Console
) -> None:
    """Print the table, in at most 80 columns, if it has rows, and the sentences below it."""
    table = Table(title=title, title_justify="left", width=min(80, console.width))
    table.add_column("")
    for heading in ("this", "beside", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.what, row.this, row.other, ratio)
    if rows:
        console.print(table)
    for sentence in below:
        console.print(sentence, highlight=False)


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


def _of_memory(peak: PeakMemory) -> Comparison:
    return Comparison(
        f"memory of {peak.program}; beside torch",
        f"{peak.mib:.0f} MiB",
        f"{peak.torch:.0f} MiB",
        peak.mib / peak.torch,
    )


def _of_startup(start: StartUp) -> Comparison:
    seconds, torch = median(start.seconds), median(start.torch)
    return Comparison(
        f"{start.command}; beside import torch",
        f"{seconds:.2f} s",
        f"{torch:.2f} s",
        seconds / torch,
    )


def _of_recipes(runs: Mapping[str, Sequence[RecipeProgress]]) -> list[Comparison]:
    """Return the lines of both recipes; a recipe that was interrupted at once has no runs."""
    mine, theirs = (list(runs.get(name, [])) for name in ("mnist-small", "adamw"))
    first, second = (mean_of(some) for some in (mine, theirs))

    def line(what: str, key: str, form: str) -> Comparison:
        this, other = (form.format(m[key]) if m else "" for m in (first, second))
        return Comparison(what, this, other, first[key] / second[key] if first and second else None)

    def of_seed(what: str, tell: Callable[[RecipeProgress], str]) -> Comparison:
        this, other = (tell(some[seed]) if seed < len(some) else "" for some in (mine, theirs))
        return Comparison(what, this, other)

    seconds = line(f"mnist-small to a mix of {TARGET_LOSS}; beside AdamW", "seconds", "{:.0f} s")
    lines = [
        replace(
            seconds,
            this=seconds.this or "not reached",
            other=seconds.other or "not reached",
        ),
        line("  samples", "samples", "{:,.0f}"),
        line("  PFLOP, forward and backward", "pflop", "{:.4f}"),
    ]
    for seed in range(max(len(mine), len(theirs))):
        lines += [
            of_seed(f"  seed {seed}: seconds", lambda run: f"{run.seconds:.0f} s"),
            of_seed("    held-out mix", lambda run: f"{run.loss:.4f}"),
            of_seed("    samples", lambda run: f"{run.samples:,}"),
            of_seed("    load of the machine", _load),
        ]
    return lines


def _load(run: RecipeProgress) -> str:
    return "" if run.load is None else f"{run.load:.1f}"


def _rate(flop_per_second: float) -> str:
    if flop_per_second >= 1e13:
        return f"{flop_per_second / 1e12:.0f} TFLOP/s"
    return f"{flop_per_second / 1e9:.0f} GFLOP/s"
