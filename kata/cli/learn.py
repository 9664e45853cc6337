"""For learners, step by step: check, watch, hint, solution, reset, picture, gallery."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, stop

PANEL = "Learn"


@app.command(rich_help_panel=PANEL)
def check(
    step: Annotated[
        str | None, typer.Argument(help="1 to 10. Without it: the one you are at.")
    ] = None,
    impl: Annotated[
        str, typer.Option(metavar="PATH", help="Whose steps: a folder of step files, or one file.")
    ] = "exercises",
    assembled: Annotated[
        bool, typer.Option("--assembled", help="Let the steps use each other, not the solutions.")
    ] = False,
) -> None:
    """Test one step: the first failure in words, the diagnosis, what to do next.

    Exit code 0: it passes; 1: it does not; 2: something has to be put right first.
    """
    from kata.learn.check import check_step
    from kata.learn.workspace import WorkspaceError, chosen_step, open_workspace

    try:
        desk = open_workspace(impl, assembled)
        passed = check_step(desk, chosen_step(step) if step else None, Console())
    except WorkspaceError as error:
        stop(str(error))
    raise typer.Exit(0 if passed else 1)


@app.command(rich_help_panel=PANEL)
def watch(
    step: Annotated[
        str | None, typer.Argument(help="1 to 10. Without it: the one you are at.")
    ] = None,
    impl: Annotated[
        str, typer.Option(metavar="PATH", help="Whose steps: a folder of step files, or one file.")
    ] = "exercises",
    assembled: Annotated[
        bool, typer.Option("--assembled", help="Let the steps use each other, not the solutions.")
    ] = False,
) -> None:
    """Test the step that you work on again at every save.

    One key each: h hint, p picture, n the next step, a all steps, q quit.
    """
    from kata.learn.watch import watch_step
    from kata.learn.workspace import WorkspaceError, chosen_step, open_workspace

    try:
        desk = open_workspace(impl, assembled)
        watch_step(desk, chosen_step(step) if step else None, Console())
    except WorkspaceError as error:
        stop(str(error))


@app.command(rich_help_panel=PANEL)
def hint(
    step: Annotated[str, typer.Argument(help="1 to 10.")],
    level: Annotated[
        int | None, typer.Option(min=1, max=3, help="That one, given already or not.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="From the first one on again.")] = False,
) -> None:
    """A question, then a pointer, then nearly code: one more each time."""
    from kata.learn.hints import give_hint, remember_hints
    from kata.learn.workspace import WorkspaceError, chosen_step, open_workspace

    try:
        desk, chosen = open_workspace(), chosen_step(step)
        if again:
            remember_hints(desk, chosen, 0)
        give_hint(desk, chosen, Console(), level)
    except WorkspaceError as error:
        stop(str(error))


@app.command(rich_help_panel=PANEL)
def solution(
    step: Annotated[str, typer.Argument(help="1 to 10.")],
    spoil: Annotated[
        bool, typer.Option("--spoil", help="Although your own does not pass yet.")
    ] = False,
) -> None:
    """How the solution differs from your own file, once that passes.

    Exit code 0: it was shown; 1: your file does not pass yet.
    """
    from kata.learn.hints import show_solution
    from kata.learn.workspace import WorkspaceError, chosen_step, open_workspace

    try:
        was_shown = show_solution(open_workspace(), chosen_step(step), Console(), spoil)
    except WorkspaceError as error:
        stop(str(error))
    raise typer.Exit(0 if was_shown else 1)


@app.command(rich_help_panel=PANEL)
def reset(step: Annotated[str, typer.Argument(help="1 to 10.")]) -> None:
    """Put the stub back; your file is kept beside it under another name."""
    from kata.learn.hints import reset_step
    from kata.learn.workspace import WorkspaceError, chosen_step, open_workspace

    try:
        reset_step(open_workspace(), chosen_step(step), Console())
    except WorkspaceError as error:
        stop(str(error))


@app.command(rich_help_panel=PANEL)
def picture(
    step: Annotated[str, typer.Argument(help="1 to 10.")],
    impl: Annotated[
        str, typer.Option(metavar="PATH", help="Whose steps: a folder of step files, or one file.")
    ] = "exercises",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Without it: a file in checkpoints/runs/pictures/.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Without it: mnist-small, else digits.",
            show_default=False,
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open it on the screen.")] = True,
) -> None:
    """Draw what a step does: by your code, beside the reference, in seconds.

    Your step is put into the trained model among the solutions of the others.
    Where it gives what a known mistake gives, that mistake's picture is beside.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from kata.lab.options import OptionError, file_to_write
    from kata.learn.draw import PictureError, draw_step
    from kata.learn.workspace import WorkspaceError, chosen_step, open_workspace

    try:
        file = file_to_write(out, "--out", ".png")
        draw_step(open_workspace(impl), chosen_step(step), Console(), file, checkpoint, open_)
    except (WorkspaceError, OptionError, PictureError) as error:
        stop(str(error))


@app.command(rich_help_panel=PANEL)
def gallery(
    impl: Annotated[
        str, typer.Option(metavar="PATH", help="Whose steps: a folder of step files, or one file.")
    ] = "exercises",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The page's folder. Without it: checkpoints/runs/gallery/.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Without it: mnist-small, else digits.",
            show_default=False,
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open it on the screen.")] = True,
) -> None:
    """A page with the figures of all steps that you have done, and a playground.

    Choose a digit, a noise, the guidance scale and the time, and watch the
    sample change. One file without a server or a network. About a minute.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from kata.course.files import shown
    from kata.learn.draw import show_on_screen
    from kata.learn.gallery import GalleryError, write_gallery
    from kata.learn.workspace import WorkspaceError, open_workspace

    try:
        found = write_gallery(open_workspace(impl), Console(file=sys.stdout), out, checkpoint)
    except (WorkspaceError, GalleryError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")
    for why in found.missing:
        print(f"missing {why}")
    print(f"page    {shown(found.page)}")
    if open_:
        show_on_screen(found.page)
