"""For learners, step by step: check, watch, hint, solution, reset, predict, picture, gallery."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, one_sentence, share_cores
from kata.cli.options import NOTHING_WRITTEN, StepsFromOption

_PANEL = "Learn"

StepToName = Annotated[str, typer.Argument(metavar="STEP", help="Its number, as on the board.")]
StepOrCurrent = Annotated[
    str | None,
    typer.Argument(metavar="STEP", help="Its number, as on the board. Default: the current one."),
]
AssembledOption = Annotated[
    bool, typer.Option("--assembled", help="Let the steps use each other, not the solutions.")
]
DrawnWithOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH", help="Default: mnist-small, else digits.", show_default=False
    ),
]
OpenOption = Annotated[bool, typer.Option("--open/--no-open", help="Open it on the screen.")]


@app.command(rich_help_panel=_PANEL)
def check(
    step: StepOrCurrent = None,
    impl: StepsFromOption = "exercises",
    assembled: AssembledOption = False,
) -> None:
    """Test one step: the first failure in words, the diagnosis, what to do next.

    Exit code 0: it passes; 1: it does not; 2: there is something to put right first.
    """
    from kata.learn.check import check_step
    from kata.learn.workspace import chosen_step, open_workspace

    with one_sentence():
        workspace = open_workspace(impl, assembled)
        passed = check_step(workspace, chosen_step(step) if step else None, Console())
    raise typer.Exit(0 if passed else 1)


@app.command(rich_help_panel=_PANEL)
def watch(
    step: StepOrCurrent = None,
    impl: StepsFromOption = "exercises",
    assembled: AssembledOption = False,
) -> None:
    """Test the step that you work on again at every save.

    One key each: h hint, p picture, n the next step, a all steps, q quit.
    """
    from kata.learn.watch import watch_step
    from kata.learn.workspace import chosen_step, open_workspace

    with one_sentence():
        workspace = open_workspace(impl, assembled)
        watch_step(workspace, chosen_step(step) if step else None, Console())


@app.command(rich_help_panel=_PANEL)
def hint(
    step: StepToName,
    level: Annotated[
        int | None, typer.Option(min=1, max=3, help="Give this one. Default: the next one.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Begin again with the first one.")] = False,
) -> None:
    """A question, then a pointer, then nearly code: one more each time."""
    from kata.learn.hints import give_hint, remember_hints
    from kata.learn.workspace import chosen_step, open_workspace

    with one_sentence():
        workspace, chosen = open_workspace(), chosen_step(step)
        if again:
            remember_hints(workspace, chosen, 0)
        give_hint(workspace, chosen, Console(), level)


@app.command(rich_help_panel=_PANEL)
def solution(
    step: StepToName,
    spoil: Annotated[
        bool, typer.Option("--spoil", help="Show it although your own does not pass yet.")
    ] = False,
) -> None:
    """How the solution differs from your own file, once that passes.

    Exit code 0: it was shown; 1: your file does not pass yet.
    """
    from kata.learn.hints import show_solution
    from kata.learn.workspace import chosen_step, open_workspace

    with one_sentence():
        was_shown = show_solution(open_workspace(), chosen_step(step), Console(), spoil)
    raise typer.Exit(0 if was_shown else 1)


@app.command(rich_help_panel=_PANEL)
def reset(step: StepToName) -> None:
    """Put the stub back; your file is kept beside it under another name."""
    from kata.learn.hints import reset_step
    from kata.learn.workspace import chosen_step, open_workspace

    with one_sentence():
        reset_step(open_workspace(), chosen_step(step), Console())


@app.command(rich_help_panel=_PANEL)
def predict(step: StepToName, checkpoint: DrawnWithOption = None, open_: OpenOption = True) -> None:
    """Two questions about a step that passes, then what your code draws, and the answers.

    Exit code 0: they were asked; 1: your file does not pass yet.
    """
    share_cores()

    from kata.learn.predict import predict as ask_and_draw
    from kata.learn.workspace import chosen_step, open_workspace

    with one_sentence():
        workspace = open_workspace()
        was_asked = ask_and_draw(workspace, chosen_step(step), Console(), checkpoint, open_)
    raise typer.Exit(0 if was_asked else 1)


@app.command(rich_help_panel=_PANEL)
def picture(
    step: StepToName,
    impl: StepsFromOption = "exercises",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Default: a file in checkpoints/runs/pictures/.",
            show_default=False,
        ),
    ] = None,
    checkpoint: DrawnWithOption = None,
    open_: OpenOption = True,
) -> None:
    """Draw what a step does: by your code, beside the reference, in seconds.

    Your step is put into the trained model among the solutions of the others.
    If it gives what a known mistake gives, that mistake's picture is beside it.
    """
    share_cores()

    from kata.lab.options import file_to_write
    from kata.learn.draw import draw_step
    from kata.learn.workspace import chosen_step, open_workspace

    with one_sentence():
        file = file_to_write(out, "--out", ".png")
        draw_step(open_workspace(impl), chosen_step(step), Console(), file, checkpoint, open_)


@app.command(rich_help_panel=_PANEL)
def gallery(
    impl: StepsFromOption = "exercises",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The page's folder. Default: checkpoints/runs/gallery/.",
            show_default=False,
        ),
    ] = None,
    checkpoint: DrawnWithOption = None,
    open_: OpenOption = True,
) -> None:
    """A page with the figures of all steps that you have done, and a playground.

    Choose a digit, a noise, the guidance scale and the time, and watch the
    sample change. One file without a server or a network. About a minute.
    """
    share_cores()

    from kata.course.files import shown
    from kata.learn.draw import show_on_screen
    from kata.learn.gallery import write_gallery
    from kata.learn.workspace import open_workspace

    with one_sentence(NOTHING_WRITTEN):
        workspace = open_workspace(impl)
        written = write_gallery(workspace, Console(file=sys.stdout), out, checkpoint)
    for why in written.missing:
        print(f"missing {why}")
    print(f"page    {shown(written.page)}")
    if open_:
        show_on_screen(written.page)
