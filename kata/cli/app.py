"""The application of all commands, and the board, which is shown without a command."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import NoReturn

import typer
from rich.console import Console

app = typer.Typer(
    help="Short steps, at whose end your own code draws the digit that you ask for.",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def stop(message: str) -> NoReturn:
    """End with one sentence on the error stream and exit code 2."""
    Console(stderr=True).print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(2)


def need(package: str, what: str) -> None:
    """Stop if a package is not there, as in a students' copy; what: its name in the sentence."""
    if find_spec(package) is None:
        stop(f"{what} is not part of this copy of the course: use a whole clone.")


def share_cores() -> None:
    """Let idle threads of PyTorch give way to other programs; call it before torch is imported."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def one_sentence(interrupted: str = "") -> Iterator[None]:
    """Stop with the sentence of a KataError that is raised inside; after Ctrl-C, with
    `interrupted`.
    """
    from kata.course import KataError

    try:
        yield
    except KataError as error:
        stop(str(error))
    except KeyboardInterrupt:
        if not interrupted:
            raise
        stop(interrupted)


@app.callback(invoke_without_command=True)
def kata(context: typer.Context) -> None:
    """Steps from a class embedding to a digit drawn on request. Without a command: the board."""
    if context.invoked_subcommand is not None:
        return
    from kata.learn.board import run_and_show_board
    from kata.learn.workspace import open_workspace

    with one_sentence():
        ways = (open_workspace(), open_workspace(assembled=True))
        workspaces = ways[1:] if ways[0].assembled else ways
        run_and_show_board(workspaces, Console(), Console(stderr=True))
