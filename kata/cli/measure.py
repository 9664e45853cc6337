"""What a trained model draws, how good it is, and what it costs: generate, evaluate, bench."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, need, one_sentence, share_cores, stop
from kata.cli.options import (
    NOTHING_WRITTEN,
    DataOption,
    DeviceOption,
    ImplOption,
    IntervalOption,
    Method,
    SamplerOption,
    SeedOption,
    StepsOption,
)

MEASURE_PANEL = "Draw and measure"


@app.command(rich_help_panel=MEASURE_PANEL)
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
    impl: ImplOption = "solutions",
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
            help="Repeats a drawing exactly. Without it: a new one, which is shown.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Of the sampler.", show_default=False)
    ] = None,
    sampler: Annotated[
        Method | None,
        typer.Option(help="heun evaluates twice as many samples per step.", show_default=False),
    ] = None,
    interval: IntervalOption = None,
    device: DeviceOption = None,
) -> None:
    """Draw digits with a trained model, in the terminal and as a picture.

    kata generate 7 --scale 4 -n 16 --out sevens.png

    Without --steps, --sampler and --interval the solutions draw nearly what the
    lesson's 50 Euler steps do, for a fifth of the evaluations; any other steps
    draw by those 50, their own step 7's sample_conditional. If one of the
    three is said, the others are the lesson's. With Heun's method, or guidance
    in an interval, the tool's own sampler draws on step 3's guided_velocity.
    """
    share_cores()

    from kata.lab.generate import GenerateRequest, generate_digits
    from kata.lab.options import file_to_write, interval_of
    from kata.train.pipeline import LESSON_SAMPLING, Sampling

    with one_sentence(NOTHING_WRITTEN):
        said = steps or sampler or interval
        lesson = LESSON_SAMPLING
        sampling = Sampling(
            sampler.value if sampler else lesson.method,
            steps or lesson.num_steps,
            interval_of(interval),
        )
        picture = file_to_write(out, "--out", ".png")
        request = GenerateRequest(
            digits,
            scale,
            count,
            checkpoint,
            impl,
            seed,
            sampling if said else None,
            device,
            picture,
        )
        generate_digits(request, Console(file=sys.stdout))


@app.command(rich_help_panel=MEASURE_PANEL)
def evaluate(
    checkpoint: Annotated[
        str,
        typer.Argument(help="A folder, or the name of one in checkpoints/.", show_default=False),
    ],
    scales: Annotated[str, typer.Option(metavar="W,W,...", help="Guidance scales.")] = "0,1,2,4,7",
    steps: StepsOption = 25,
    sampler: SamplerOption = Method.euler,
    interval: IntervalOption = None,
    per_class: Annotated[
        int, typer.Option(metavar="N", min=2, help="Samples of each digit at each scale.")
    ] = 50,
    impl: ImplOption = "solutions",
    seed: SeedOption = 0,
    data: DataOption = None,
    device: DeviceOption = None,
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
    """Measure a checkpoint: losses, fidelity, diversity, distance to real digits, cost.

    A classifier reads the samples. It is trained when it is first needed, a
    minute for MNIST, and kept in the cache folder. All together it takes a
    minute for the digits and about four for mnist-small on two CPU cores.
    """
    share_cores()

    from kata.lab.evaluate import evaluate_checkpoint, print_scores, write_scores
    from kata.lab.options import file_to_write, interval_of, scales_of
    from kata.train.pipeline import Sampling

    console = Console(file=sys.stdout)
    with one_sentence(NOTHING_WRITTEN):
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


@app.command(rich_help_panel=MEASURE_PANEL)
def bench(
    only: Annotated[
        str | None,
        typer.Option(
            metavar="PART",
            help="One of step, sampling, solvers, samplers, memory, startup, recipes.",
            show_default=False,
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
        str, typer.Option(metavar="NAME", help="With whose model samplers are compared.")
    ] = "digits",
    per_class: Annotated[
        int, typer.Option(metavar="N", min=2, help="Samples of each digit, for samplers.")
    ] = 20,
    full: Annotated[
        bool, typer.Option("--full", help="Also samplers, memory, startup and recipes.")
    ] = False,
    limit: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Of training, for each recipe and seed.")
    ] = 900,
    seeds: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Of mnist-small; AdamW's recipe has one seed."),
    ] = 1,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where MNIST lies, or is to be kept.", show_default=False),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all figures there.", show_default=False),
    ] = None,
) -> None:
    """Measure what training and sampling cost, each beside what it should be compared with.

    A training step of the document's model beside the machine's own matrix
    product and beside a plain implementation; guided sampling beside two passes
    at every step; Heun's method beside Euler's, at equal quality. What is
    compared runs in turn. Only the counts of samples evaluated are checked; times
    are shown as they are. About a minute and a half on two cores.

    With --full, or by --only, also: samplers beside 50 guided Euler steps, the
    peak memory of the tool's programs and the seconds that they take to start,
    each beside torch alone, and the seconds, samples and FLOP of two recipes of
    training to one held-out loss.

    Exit code 0: measured; 1: a count is wrong; 2: something has to be put right
    first, or Ctrl-C: what was measured until then is shown and written.
    """
    need("kata.lab.bench", "The benchmark")
    share_cores()

    from kata.course.files import shown
    from kata.lab.bench.run import BenchRequest, run_bench
    from kata.lab.bench.sampling import CountError

    request = BenchRequest(
        only, device, threads, repeats, checkpoint, per_class, data, full, limit, seeds, json
    )
    with one_sentence(NOTHING_WRITTEN):
        try:
            facts = run_bench(request, Console(file=sys.stdout))
        except CountError as error:
            Console(stderr=True).print(str(error), style="red", highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None
    if facts["interrupted"]:
        where = f" and in {shown(json)}" if json else ""
        stop(f"Stopped by Ctrl-C; what was measured until then is above{where}.")
