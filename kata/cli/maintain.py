"""For maintainers: stubs and ship."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kata.cli.app import app, one_sentence, stop

MAINTAIN_PANEL = "Maintain"


@app.command(rich_help_panel=MAINTAIN_PANEL)
def stubs(
    check: Annotated[
        bool, typer.Option(help="Only say whether the derived files are up to date.")
    ] = False,
) -> None:
    """Write the stubs that are missing or untouched into exercises/, and the notebook; other files
    are left alone.
    """
    from kata.course.files import find_root
    from kata.course.notebook import NOTEBOOK, is_notebook_stale, write_notebook
    from kata.course.stubs import stale_files, write_stubs

    root = find_root()
    if not (root / "solutions").is_dir():
        stop("The stubs are made from solutions/, which is not here.")
    with one_sentence():
        if check:
            stale = stale_files(root) + [str(NOTEBOOK)] * is_notebook_stale(root)
            if stale:
                stop(f"Not up to date: {', '.join(stale)}. Run `kata stubs` to write them anew.")
            print("exercises/ holds the stubs of solutions/, and the notebook is up to date.")
            return
        table = Table("file", "")
        for name, done in write_stubs(root, root / "exercises").items():
            table.add_row(f"exercises/{name}", done)
        table.add_row(NOTEBOOK.as_posix(), write_notebook(root))
    Console().print(table)


@app.command(hidden=True, rich_help_panel=MAINTAIN_PANEL)
def ship(
    run: Annotated[Path, typer.Argument(help="A run of kata train.")],
    name: Annotated[str, typer.Argument(help="Its name in checkpoints/.")],
    half: Annotated[bool, typer.Option(help="Keep the weights in half precision.")] = False,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Where MNIST lies.")] = None,
    remark: Annotated[str, typer.Option(help="A sentence for the card.")] = "",
) -> None:
    """For maintainers: put a run into checkpoints/NAME, evaluate it there, and write its model
    card.
    """
    from kata.lab.evaluate import print_scores
    from kata.lab.ship import ship_checkpoint

    console = Console(file=sys.stdout)
    with one_sentence():
        folder, report = ship_checkpoint(run, name, half, console, data, remark)
    print_scores(report, console)
    print(f"shipped  {folder}")
