"""From real digits to a trained model: demo, train."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, one_sentence, share_cores
from kata.cli.options import (
    NOTHING_WRITTEN,
    DataOption,
    DeviceOption,
    ImplOption,
    RunFolderOption,
    SeedOption,
)

TRAIN_PANEL = "Train"


class Data(StrEnum):
    """The data sets of `kata demo`."""

    digits = "digits"
    mnist = "mnist"


@app.command(rich_help_panel=TRAIN_PANEL)
def demo(
    impl: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="Whose steps: exercises, solutions, any folder or one step's file."
        ),
    ] = "solutions",
    dataset: Annotated[
        Data,
        typer.Option(help="Real handwriting, 8x8 (in the package) or 28x28 (about ten minutes)."),
    ] = Data.digits,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where MNIST lies, or is to be kept. Without it: $KATA_DATA, else the cache folder.",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 0,
    out: RunFolderOption = None,
) -> None:
    """Train on real digits, draw every class with guidance, and measure the samples.

    Trains the ConditionalDiT of the steps with their ConditionalTrainer, draws
    with their samplers, and measures 500 samples at each of w = 0, 1, 2, 4 and
    7: how many a classifier reads as the digit asked for, and how diverse they
    are beside real digits. Writes a page, a report of the run with eleven
    figures, all equations and experiments to go on with, and all numbers as
    metrics.json. With the digits it takes less than two minutes on two cores.

    Exit code 0: every expectation is met; 1: one is missed, and the steps are
    named that do not pass their own tests; 2: something has to be put right
    first.
    """
    share_cores()

    from kata.lab.at_fault import say_steps_at_fault
    from kata.lab.demo import DemoRequest, run_demo

    console = Console(file=sys.stdout)
    with one_sentence(NOTHING_WRITTEN):
        met = run_demo(DemoRequest(impl, dataset.value, data, seed, out), console)
    if not met and impl != "solutions":
        with one_sentence("Stopped by Ctrl-C; the page is written."):
            print(say_steps_at_fault(impl, console))
    raise typer.Exit(0 if met else 1)


@app.command(rich_help_panel=TRAIN_PANEL)
def train(
    preset: Annotated[
        str, typer.Argument(help="document, mnist, mnist-small or digits.")
    ] = "digits",
    impl: ImplOption = "solutions",
    data: DataOption = None,
    out: RunFolderOption = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Go on with the run in that folder.", show_default=False),
    ] = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Instead of the preset's; epochs for document.", show_default=False
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of PyTorch, on a CPU.", show_default=False)
    ] = None,
    parts: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Split each batch into that many parts, each with its own seed. Without it: one per process.",
            show_default=False,
        ),
    ] = None,
    save_every: Annotated[float, typer.Option(metavar="SECONDS", min=0)] = 30.0,
) -> None:
    """Train for real: a checkpoint to sample from, safe to interrupt at any moment.

    document: the document's model and recipe to the letter, 30 epochs on MNIST,
    minutes on a GPU and hours on a CPU. mnist: the same model, faster and better.
    mnist-small: a smaller one, five minutes on two CPU cores. digits: 8x8 digits,
    half a minute. Ctrl-C leaves a checkpoint, --resume goes on from it exactly.
    Under torchrun several processes share the work:

    torchrun --nproc-per-node 2 -m kata train digits
    """
    from kata.course.files import shown
    from kata.lab.train import TrainRequest, run_training

    request = TrainRequest(
        preset, impl, data, out, resume, seed, device, steps, threads, parts, save_every
    )
    with one_sentence():
        trained = run_training(request, Console(file=sys.stdout))
    if not trained.leads:
        lines = []
    elif trained.stopped_by:
        lines = [f"Stopped; go on with: kata train --resume {shown(trained.folder)}"]
    else:
        folder = shown(trained.folder)
        lines = [f"checkpoint  {folder}", f"next        kata evaluate {folder}"]
    for line in lines:
        print(line)
    raise typer.Exit(128 + trained.stopped_by if trained.stopped_by else 0)
