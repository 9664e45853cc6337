"""`kata`: the board. The steps, what passes, and what to do next; all of it read off the files."""

from rich.console import Console
from rich.table import Table

from kata.course.steps import Step
from kata.learn.blame import known_blame
from kata.learn.messages import say_command, say_finish, say_how_to_skip
from kata.learn.workspace import Standing, Workspace
from kata.runner.records import complaint

MARKS = {"passes": "green", "unknown": "dim", "not begun": "dim"}
WIDE_FROM = 64
"""Columns of a terminal from which on the board shows minutes and level."""


def run_and_show_board(
    workspaces: tuple[Workspace, ...], console: Console, progress: Console
) -> None:
    """Show the board, after running the tests whose results are not known.

    workspaces: of one person's files, tested in one way or in both. progress: where the progress is
    shown. After Ctrl-C the board shows what is known so far.
    """
    interrupted = False
    try:
        run_missing(workspaces, progress)
    except KeyboardInterrupt:
        interrupted = True
    show_board(workspaces, console)
    if interrupted:
        console.print(
            "Stopped by Ctrl-C: what is unknown did not run; the results so far are kept."
        )


def run_missing(workspaces: tuple[Workspace, ...], console: Console) -> None:
    """Run the tests of every step in which something is written and whose result is not known."""
    missing = [(w, s) for w in workspaces for s in w.steps if not w.standing(s).is_known]
    if not missing:
        return
    from kata.runner.client import WarmRunner
    from kata.train.progress import Stages

    with (
        WarmRunner(workspaces[0].root, workers=1, training=False) as runner,
        Stages(console, {"tests": float(len(missing))}) as stages,
        stages.stage("tests", len(missing)) as stage,
    ):
        for workspace, step in missing:
            workspace.run(runner, step)
            stage.advance()
    if why := complaint():
        console.print(why, style="yellow", highlight=False, markup=False)


def show_board(workspaces: tuple[Workspace, ...], console: Console) -> None:
    """Print the board as far as it is known, and the next command."""
    first = workspaces[0]
    ways = ["assembled" if workspace.assembled else "isolated" for workspace in workspaces]
    is_wide = console.width >= WIDE_FROM
    table = Table(box=None, pad_edge=False, padding=(0, 2 if is_wide else 1, 0, 0))
    table.add_column("", justify="right")
    table.add_column("step")
    for way in ways:
        table.add_column(way, no_wrap=True)
    if is_wide:
        table.add_column("min", justify="right")
        table.add_column("level", no_wrap=True)
    for step in first.steps:
        words = [_cell(workspace, step) for workspace in workspaces]
        marks = [f"[{MARKS.get(text, 'red')}]{text}[/]" for text in words]
        facts = [str(step.minutes), f"{step.difficulty}/5"] if is_wide else []
        table.add_row(str(step.number), step.title, *marks, *facts)
    console.print(table)
    console.print()
    counts = [
        sum(workspace.standing(s).passed for s in workspace.counted) for workspace in workspaces
    ]
    of = len(first.counted)
    told = ", ".join(f"{n} of {of} pass {way}" for n, way in zip(counts, ways, strict=True))
    console.print(f"{told}.", highlight=False)
    _say_next(console, workspaces)


def _say_next(console: Console, workspaces: tuple[Workspace, ...]) -> None:
    first, last = workspaces[0], workspaces[-1]
    if (step := first.current()) is not None:
        say_command(console, first, f"kata watch {step.number}", step)
        say_how_to_skip(console, first, step)
    elif (step := last.current()) is not None:
        say_command(console, last, f"kata check {step.number}", step)
    else:
        say_finish(console, first)


def _cell(workspace: Workspace, step: Step) -> str:
    """Return how a step stands or, if it fails because of another one, that one."""
    standing = workspace.standing(step)
    if workspace.assembled and standing.result is not None and not standing.passed:
        blame = known_blame(workspace, step)
        if blame and blame.at_fault[0] != step:
            return f"because of {blame.at_fault[0].number}"
    return in_words(standing)


def in_words(standing: Standing) -> str:
    """Return how a step stands, in a word or two."""
    if not standing.written:
        return "not begun"
    if standing.waits_for is not None:
        return f"needs {standing.waits_for.number}"
    if standing.result is None:
        return "unknown"
    if standing.passed:
        return "passes"
    return f"{len(standing.result.failures)} fail" if standing.result.failures else "fails"
