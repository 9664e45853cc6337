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
        if result.error:
            console.print(f"  [red]error[/]  {printable(result.name)}: {result.error}", markup=True)
        bar.update(task, advance=1, left=f"{_time(left)} left")

    console.print(f"isolation: {request.isolation}", highlight=False)
    with bar:
        summary = grade_class(root, request, announce, progress)
    show_summary(summary, request.out, console)
    return summary


def show_summary(summary: Summary, out: Path, console: Console) -> None:
    """Print how many were graded, their median, and where everything lies."""
    found = summary.results
    points = [r.points for r in found if r.status == "graded"]
    errors = sum(r.status == "grader_error" for r in found)
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "graded", f"{summary.graded}" + (f", {summary.kept} from before" if summary.kept else "")
    )
    if points:
        table.add_row("median", f"{median(points):g} of {found[0].out_of:g} points")
    if errors:
        table.add_row("errors", f"{errors} of the grader's own: try again with --resume")
    table.add_row("seed", str(summary.run.seed))
    table.add_row("grades", str(out / "grades.csv"))
    table.add_row("class", str(out / "report.html"))
    table.add_row("feedback", str(out / "feedback"))
    console.print(table, highlight=False, soft_wrap=True)


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
