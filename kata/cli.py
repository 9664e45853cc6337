"""The `kata` command. A room is imported only when its command is called."""

from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    help="Ten steps, at whose end your own code draws the digit that it is asked for.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """The entry point of the `kata` command."""
    app()


def stop(message: str) -> NoReturn:
    """End with one sentence on the error stream and exit code 2."""
    Console(stderr=True).print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(2)


@app.callback()
def kata() -> None:
    """Ten steps from a class embedding to a digit drawn on request."""


@app.command()
def stubs(
    check: Annotated[
        bool, typer.Option(help="Only say whether exercises/ holds the stubs of solutions/.")
    ] = False,
) -> None:
    """Write the stubs that are missing or untouched into exercises/; files that were worked on are left alone."""
    from kata.course.paths import find_root
    from kata.course.stubs import stale_stubs, write_stubs

    root = find_root()
    if not (root / "solutions").is_dir():
        stop("The stubs are made from solutions/, which is not here.")
    if check:
        if stale := stale_stubs(root):
            names = ", ".join(step.file for step in stale)
            stop(f"Not the stubs of their solutions: {names}. Run `kata stubs` to write them anew.")
        print("exercises/ holds the stubs of solutions/.")
        return
    table = Table("step", "file", "")
    for step, done in write_stubs(root, root / "exercises").items():
        table.add_row(str(step.number), f"exercises/{step.file}", done)
    Console().print(table)
