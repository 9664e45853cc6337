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
    from kata.desk.check import check
    from kata.desk.desk import DeskError, chosen_step, learners_desk

    try:
        desk = learners_desk(impl, assembled)
        passed = check(desk, chosen_step(step) if step else None, Console())
    except DeskError as error:
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
    from kata.desk.desk import DeskError, chosen_step, learners_desk
    from kata.desk.watch import watch

    try:
        desk = learners_desk(impl, assembled)
        watch(desk, chosen_step(step) if step else None, Console())
    except DeskError as error:
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
    from kata.desk.desk import DeskError, chosen_step, learners_desk
    from kata.desk.hints import hint, remember_hints

    try:
        desk, chosen = learners_desk(), chosen_step(step)
        if again:
            remember_hints(desk, chosen, 0)
        hint(desk, chosen, Console(), level)
    except DeskError as error:
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
    from kata.desk.desk import DeskError, chosen_step, learners_desk
    from kata.desk.hints import solution

    try:
        was_shown = solution(learners_desk(), chosen_step(step), Console(), spoil)
    except DeskError as error:
        stop(str(error))
    raise typer.Exit(0 if was_shown else 1)


@app.command(rich_help_panel=PANEL)
def reset(step: Annotated[str, typer.Argument(help="1 to 10.")]) -> None:
    """Put the stub back; your file is kept beside it under another name."""
    from kata.desk.desk import DeskError, chosen_step, learners_desk
    from kata.desk.hints import reset

    try:
        reset(learners_desk(), chosen_step(step), Console())
    except DeskError as error:
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

    from kata.desk.desk import DeskError, chosen_step, learners_desk
    from kata.desk.options import OptionError, file_to_write
    from kata.desk.picture import PictureError
    from kata.desk.picture import picture as draw

    try:
        file = file_to_write(out, "--out", ".png")
        draw(learners_desk(impl), chosen_step(step), Console(), file, checkpoint, open_)
    except (DeskError, OptionError, PictureError) as error:
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

    from kata.course.paths import shown
    from kata.desk.desk import DeskError, learners_desk
    from kata.desk.gallery_page import GalleryError
    from kata.desk.gallery_page import gallery as hang
    from kata.desk.screen import show_on_screen

    try:
        found = hang(learners_desk(impl), Console(file=sys.stdout), out, checkpoint)
    except (DeskError, GalleryError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")
    for why in found.missing:
        print(f"missing {why}")
    print(f"page    {shown(found.page)}")
    if open_:
        show_on_screen(found.page)
