"""`kata`: the board. Ten steps, what passes, and what to do next; all of it read off the files."""

from rich.console import Console
from rich.table import Table

from kata.course.files import shown
from kata.course.steps import Step
from kata.learn.messages import say
from kata.learn.workspace import Standing, Workspace
from kata.runner.client import WarmRunner
from kata.train.progress import Stages

MARKS = {"passes": "green", "unknown": "dim", "not begun": "dim"}


def run_and_show_board(desks: tuple[Workspace, ...], console: Console, progress: Console) -> None:
    """Show the board, after running the tests of those files that no record is kept of.

    desks: of one person's files, tested in one way or in both. progress: where the progress goes. Ctrl-C shows
    what is known so far.
    """
    interrupted = False
    try:
        run_missing(desks, progress)
    except KeyboardInterrupt:
        interrupted = True
    show_board(desks, console)
    if interrupted:
        console.print("Stopped by Ctrl-C: what is unknown was not run; what was run is kept.")


def run_missing(desks: tuple[Workspace, ...], console: Console) -> None:
    """Run the tests of every step that something is written in and no record is kept of."""
    missing = [(d, s) for d in desks for s in d.steps if not d.standing(s).is_known]
    if not missing:
        return
    with (
        WarmRunner(desks[0].root, workers=1, training=False) as runner,
        Stages(console, {"tests": float(len(missing))}) as stages,
        stages.stage("tests", len(missing)) as stage,
    ):
        for desk, step in missing:
            desk.run(runner, step)
            stage.advance()


def show_board(desks: tuple[Workspace, ...], console: Console) -> None:
    """The board as it is known, and the next command."""
    first = desks[0]
    ways = ["assembled" if desk.assembled else "isolated" for desk in desks]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", justify="right")
    table.add_column("step")
    for way in ways:
        table.add_column(way, no_wrap=True)
    table.add_column("min", justify="right")
    table.add_column("level", no_wrap=True)
    for step in first.steps:
        words = [in_words(desk.standing(step)) for desk in desks]
        marks = [f"[{MARKS.get(text, 'red')}]{text}[/]" for text in words]
        level = dots(step, console)
        table.add_row(str(step.number), step.title, *marks, str(step.minutes), level)
    console.print(table)
    console.print()
    counts = [sum(desk.standing(s).passed for s in desk.steps) for desk in desks]
    of = len(first.steps)
    told = ", ".join(f"{n} of {of} pass {way}" for n, way in zip(counts, ways, strict=True))
    console.print(f"{told}.", highlight=False)
    if counts[0] == of and len(desks) > 1:
        together = desks[1].current()
        command = f"kata check {together.number} --assembled" if together else ""
    else:
        together = first.current()
        command = f"kata watch {together.number}" if together else ""
    if together is not None:
        say(console, "next", f"{command}{first.option()}    {first.where(together)}")
    else:
        say(console, "next", f"kata demo --impl {shown(first.implementation.path)}")


def in_words(standing: Standing) -> str:
    """How a step stands, in a word or two."""
    if not standing.written:
        return "not begun"
    if standing.waits_for is not None:
        return f"needs {standing.waits_for.number}"
    if standing.result is None:
        return "unknown"
    if standing.passed:
        return "passes"
    return f"{len(standing.result.failures)} fail" if standing.result.failures else "fails"


def dots(step: Step, console: Console) -> str:
    """The difficulty, 1 to 5, as dots or, where the terminal has none, as a number."""
    text = "●" * step.difficulty + "○" * (5 - step.difficulty)
    try:
        text.encode(console.encoding)
    except UnicodeEncodeError:
        return f"{step.difficulty}/5"
    return text
