"""The application of all commands, and the board, which is shown without a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console

app = typer.Typer(
    help="Ten steps, at whose end your own code draws the digit that you ask for.",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def stop(message: str) -> NoReturn:
    """End with one sentence on the error stream and exit code 2."""
    Console(stderr=True).print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(2)


@contextmanager
def stop_on(*errors: type[Exception]) -> Iterator[None]:
    """Turn these errors, whose messages are one sentence, into that sentence and exit code 2."""
    try:
        yield
    except errors as error:
        stop(str(error))


@app.callback(invoke_without_command=True)
def kata(context: typer.Context) -> None:
    """Ten steps from a class embedding to a digit drawn on request. Without a command: the board."""
    if context.invoked_subcommand is not None:
        return
    from kata.learn.board import run_and_show_board
    from kata.learn.workspace import WorkspaceError, open_workspace

    with stop_on(WorkspaceError):
        ways = (open_workspace(), open_workspace(assembled=True))
        workspaces = ways[1:] if ways[0].assembled else ways
        run_and_show_board(workspaces, Console(), Console(stderr=True))
