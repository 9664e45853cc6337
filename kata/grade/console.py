"""The grader in a terminal: the layers of isolation, a progress bar, and a summary."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from kata.grade.intake import printable
from kata.grade.results import SubmissionResult
from kata.grade.run import GradeRequest, Summary, grade_class
from kata.grade.sandbox.layers import Layer

MOST_NAMED = 20
"""How many things of one kind are named; the others are counted."""


def run_grade(root: Path, request: GradeRequest, console: Console) -> Summary:
    """Grade a class, and show the progress."""
    columns = ("{task.description}", "{task.fields[left]}")
    bar = Progress(
        TextColumn(columns[0]),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(columns[1]),
        console=console,
        transient=True,
    )
    task = bar.add_task("grading", total=None, left="starting the sandboxes")

    def announce(layers: Sequence[Layer], todo: int) -> None:
        for layer in layers:
            word, colour = ("holds", "green") if layer.holds else ("not", "red")
            console.print(f"  [{colour}]{word:>5}[/]  {layer.words}", highlight=False)
        bar.update(task, total=todo, left="")

    def progress(result: SubmissionResult, left: float) -> None:
        bar.update(task, advance=1, left=f"{_time(left)} left")

    def say(words: str) -> None:
        console.print(words, highlight=False, markup=False, soft_wrap=True)

    console.print(f"isolation: {request.isolation}", highlight=False)
    with bar:
        summary = grade_class(root, request, announce, progress, say)
    show_summary(summary, request.out, console)
    return summary


def show_summary(summary: Summary, out: Path, console: Console) -> None:
    """Print how many were graded, their median, and where everything lies."""
    found = summary.results
    points = [r.points for r in found if r.status == "graded"]
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "graded", f"{summary.graded}" + (f", {summary.kept} from before" if summary.kept else "")
    )
    if points:
        table.add_row("median", f"{median(points):g} of {found[0].out_of:g} points")
    table.add_row("seed", str(summary.run.seed))
    table.add_row("grades", str(out / "grades.csv"))
    table.add_row("class", str(out / "report.html"))
    table.add_row("feedback", str(out / "feedback"))
    console.print(table, highlight=False, soft_wrap=True)


def show_what_needs_you(summary: Summary, out: Path, console: Console) -> bool:
    """Print what an instructor has to see to, each by its name, and return whether there is any."""
    kinds = {
        "The grader failed; try again with --resume": [
            f"{r.name}: {r.error}" for r in summary.failed
        ],
        "Could not be read, 0 points": [f"{r.name}: {r.refused}" for r in summary.refused],
        "Seen and not taken": [f"{place}: {why}" for place, why in summary.run.left],
    }
    for heading, things in kinds.items():
        if things:
            more = len(things) - MOST_NAMED
            lines = [f"  {printable(thing)}" for thing in things[:MOST_NAMED]]
            lines += [f"  and {more} more, see {out / 'report.html'}"] if more > 0 else []
            text = "\n".join([f"{heading}:", *lines])
            console.print(text, style="red", highlight=False, markup=False, soft_wrap=True)
    return any(kinds.values())


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
