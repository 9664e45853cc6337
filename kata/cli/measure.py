"""What a trained model draws, how good it is, and what it costs: generate, evaluate, bench."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, stop

PANEL = "Draw and measure"


class Method(StrEnum):
    """How `kata generate` and `kata evaluate` walk from noise to images."""

    euler = "euler"
    heun = "heun"


@app.command(rich_help_panel=PANEL)
def generate(
    digits: Annotated[
        list[int], typer.Argument(min=0, max=9, help="One or more, 0 to 9.", show_default=False)
    ],
    scale: Annotated[float, typer.Option(metavar="W", help="The guidance scale.")] = 4.0,
    count: Annotated[
        int, typer.Option("-n", metavar="N", min=1, max=10_000, help="How many of each digit.")
    ] = 16,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Without it the best that ships: mnist, mnist-small, digits.",
            show_default=False,
        ),
    ] = None,
    impl: Annotated[
        str, typer.Option(metavar="PATH", help="Whose steps: exercises, solutions or a folder.")
    ] = "solutions",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Write a picture there.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=2**32 - 1,
            help="Repeats a drawing exactly. Without it: a new one, which is told.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Of the sampler.")] = 50,
    sampler: Annotated[
        Method, typer.Option(help="heun evaluates twice as many samples a step.")
    ] = Method.euler,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="LO,HI",
            help="Guide only at times within it, from 0 (data) to 1 (noise).",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, ...; without it the best.", show_default=False)
    ] = None,
) -> None:
    """Draw digits with a trained model, in the terminal and as a picture.

    kata generate 7 --scale 4 -n 16 --out sevens.png

    The steps of --impl draw: with Euler's method step 7's sample_conditional;
    with Heun's, or guidance in an interval, the tool's own sampler on their
    step 3's guided_velocity.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from kata.course.loader import StepError
    from kata.lab.generate import GenerateRequest
    from kata.lab.generate import generate_digits as draw
    from kata.lab.options import OptionError, file_to_write, interval_of
    from kata.lab.train import TrainingError
    from kata.train.checked_steps import StepCallError
    from kata.train.checkpoints import CheckpointError
    from kata.train.pipeline import Sampling

    try:
        sampling = Sampling(sampler.value, steps, interval_of(interval))
        picture = file_to_write(out, "--out", ".png")
        wish = GenerateRequest(
            digits, scale, count, checkpoint, impl, seed, sampling, device, picture
        )
        draw(wish, Console(file=sys.stdout))
    except (OptionError, TrainingError, CheckpointError, StepError, StepCallError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")


@app.command(rich_help_panel=PANEL)
def evaluate(
    checkpoint: Annotated[
        str,
        typer.Argument(help="A folder, or the name of one in checkpoints/.", show_default=False),
    ],
    scales: Annotated[str, typer.Option(metavar="W,W,...", help="Guidance scales.")] = "0,1,2,4,7",
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Of the sampler.")] = 25,
    sampler: Annotated[
        Method, typer.Option(help="heun evaluates twice as many samples a step.")
    ] = Method.euler,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="LO,HI",
            help="Guide only at times within it, from 0 (data) to 1 (noise).",
            show_default=False,
        ),
    ] = None,
    per_class: Annotated[
        int, typer.Option(metavar="N", min=2, help="Samples of each digit at each scale.")
    ] = 50,
    impl: Annotated[
        str, typer.Option(metavar="PATH", help="Whose steps: exercises, solutions or a folder.")
    ] = "solutions",
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=2**32 - 1)] = 0,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where MNIST lies, or is to be kept.", show_default=False),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, ...; without it the best.", show_default=False)
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all numbers there.", show_default=False),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Draw fidelity against diversity there.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Measure a checkpoint: losses, fidelity, diversity, likeness to real digits, and what it costs.

    A classifier judges the samples; it is trained when it is first needed, a
    minute for MNIST, and kept in the cache folder. In all a minute for the
    digits, about four for mnist-small on two CPU cores.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from kata.course.loader import StepError
    from kata.lab.evaluate import evaluate_checkpoint, print_scores, write_scores
    from kata.lab.options import OptionError, file_to_write, interval_of, scales_of
    from kata.lab.train import TrainingError
    from kata.train.checked_steps import StepCallError
    from kata.train.checkpoints import CheckpointError
    from kata.train.data import DataError
    from kata.train.pipeline import Sampling

    console = Console(file=sys.stdout)
    try:
        files = {
            "--json": file_to_write(json, "--json", ".json"),
            "--picture": file_to_write(picture, "--picture", ".png"),
        }
        report = evaluate_checkpoint(
            checkpoint,
            impl,
            console,
            scales_of(scales),
            Sampling(sampler.value, steps, interval_of(interval)),
            per_class,
            seed,
            data,
            device,
        )
        print_scores(report, console)
        write_scores(report, files, console)
    except (
        *(OptionError, TrainingError, CheckpointError),
        *(DataError, StepError, StepCallError),
    ) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")


@app.command(rich_help_panel=PANEL)
def bench(
    only: Annotated[
        str | None,
        typer.Option(
            metavar="PART", help="One of step, sampling, solvers, recipes.", show_default=False
        ),
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Of torch, on a CPU. Without it: its default."),
    ] = None,
    repeats: Annotated[
        int, typer.Option(metavar="N", min=1, help="Runs of everything that is timed.")
    ] = 7,
    checkpoint: Annotated[
        str, typer.Option(metavar="NAME", help="Whose samples Euler and Heun are compared on.")
    ] = "digits",
    full: Annotated[
        bool, typer.Option("--full", help="Also train two recipes to one held-out loss.")
    ] = False,
    limit: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Of training, for each recipe.")
    ] = 900,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where MNIST lies, for --full.", show_default=False),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all figures there.", show_default=False),
    ] = None,
) -> None:
    """Measure what training and sampling cost, each beside what it should be compared with.

    A training step of the document's model beside the machine's own matrix
    product and beside a plain implementation; guided sampling beside two passes
    always; Heun's method beside Euler's, at equal quality; and, with --full or
    --only recipes, the seconds that two recipes take to one held-out loss. What
    is compared runs in turn. Only counts of samples evaluated are held to be
    right; times are told as they are. About a minute and a half on two cores.

    Exit code 0: measured; 1: a count is wrong; 2: something has to be put right
    first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads of torch give way to others

    from kata.course.loader import StepError
    from kata.lab.bench.run import BenchError, BenchRequest, run_bench
    from kata.lab.bench.sampling import CountError
    from kata.lab.train import TrainingError
    from kata.train.checkpoints import CheckpointError
    from kata.train.data import DataError

    wish = BenchRequest(only, device, threads, repeats, checkpoint, data, full, limit, json)
    try:
        run_bench(wish, Console(file=sys.stdout))
    except CountError as error:
        Console(stderr=True).print(str(error), style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except (BenchError, TrainingError, CheckpointError, DataError, StepError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")
