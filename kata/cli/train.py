"""From real digits to a trained model: demo, train."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, stop

PANEL = "Train"


class Data(StrEnum):
    """The data sets of `kata demo`."""

    digits = "digits"
    mnist = "mnist"


@app.command(rich_help_panel=PANEL)
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
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=2**32 - 1, help="Repeats a run exactly, on a CPU."),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder to make. Without it: a new one in checkpoints/runs/.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train on real digits, draw every class with guidance, and measure what came of it.

    Trains the ConditionalDiT of the steps with their ConditionalTrainer, draws
    with their samplers, and lets a classifier say how many of 500 samples are
    what was asked for at w = 0, 1, 2, 4 and 7, and how diverse they are beside
    real digits. Writes eleven figures, a page that shows them, and all numbers
    as metrics.json. With the digits it takes less than two minutes on two cores.

    Exit code 0: every expectation is met; 1: one is missed; 2: something has to
    be put right first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads of torch give way to others

    from kata.course.loader import StepError
    from kata.lab.demo import DemoRequest, OutputError, run_demo
    from kata.train.checked_steps import StepCallError
    from kata.train.data import DataError

    try:
        met = run_demo(DemoRequest(impl, dataset.value, data, seed, out), Console(file=sys.stdout))
    except (StepError, StepCallError, DataError, OutputError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")
    raise typer.Exit(0 if met else 1)


@app.command(rich_help_panel=PANEL)
def train(
    preset: Annotated[
        str, typer.Argument(help="document, mnist, mnist-small or digits.")
    ] = "digits",
    impl: Annotated[
        str, typer.Option(metavar="PATH", help="Whose steps: exercises, solutions or a folder.")
    ] = "solutions",
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where MNIST lies, or is to be kept.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The run's folder. Without it: a new one in checkpoints/runs/.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Go on with the run in that folder.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=2**32 - 1)] = 0,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, ...; without it the best.", show_default=False)
    ] = None,
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
            help="Work on each batch in so many parts, each with its seed; one a process without it.",
            show_default=False,
        ),
    ] = None,
    save_every: Annotated[float, typer.Option(metavar="SECONDS", min=0)] = 30.0,
) -> None:
    """Train for real: a checkpoint to sample from, safe to interrupt at any moment.

    document: the document's model and recipe to the letter, 30 epochs on MNIST,
    minutes on a GPU and hours on a CPU. mnist: the same model, faster and better.
    mnist-small: a smaller one, eleven minutes on two CPU cores. digits: 8x8 digits,
    one minute. Ctrl-C leaves a checkpoint, --resume goes on from it exactly.
    Under torchrun several processes share the work:

    torchrun --nproc-per-node 2 -m kata train digits
    """

    from kata.course.files import shown
    from kata.course.loader import StepError
    from kata.lab.train import TrainingError, TrainRequest, run_training
    from kata.train.checked_steps import StepCallError
    from kata.train.checkpoints import CheckpointError
    from kata.train.data import DataError

    order = TrainRequest(
        preset, impl, data, out, resume, seed, device, steps, threads, parts, save_every
    )
    try:
        trained = run_training(order, Console(file=sys.stdout))
    except (TrainingError, CheckpointError, DataError, StepError, StepCallError) as error:
        stop(str(error))
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
