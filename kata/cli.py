"""The `kata` command. A room is imported only when its command is called."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    help="Ten steps, at whose end your own code draws the digit that it is asked for.",
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


@app.callback(invoke_without_command=True)
def kata(context: typer.Context) -> None:
    """Ten steps from a class embedding to a digit drawn on request. Without a command: the board."""
    if context.invoked_subcommand is not None:
        return
    from kata.desk.board import board
    from kata.desk.desk import DeskError, learners_desk

    try:
        ways = (learners_desk(), learners_desk(assembled=True))
        desks = ways[1:] if ways[0].assembled else ways
        board(desks, Console(), Console(stderr=True))
    except DeskError as error:
        stop(str(error))


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


class Data(StrEnum):
    """The data sets of `kata demo`."""

    digits = "digits"
    mnist = "mnist"


@app.command()
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
    mnist-small: a smaller one, ten minutes on two CPU cores. digits: 8x8 digits,
    one minute. Ctrl-C leaves a checkpoint, --resume goes on from it exactly.
    Under torchrun several processes share the work:

    torchrun --nproc-per-node 2 -m kata train digits
    """

    from kata.course.loader import StepError
    from kata.course.paths import shown
    from kata.desk.learner import LearnerError
    from kata.desk.training import Order, TrainingError, run_training
    from kata.train.checkpoints import CheckpointError
    from kata.train.data import DataError

    order = Order(preset, impl, data, out, resume, seed, device, steps, threads, parts, save_every)
    try:
        trained = run_training(order, Console(file=sys.stdout))
    except (TrainingError, CheckpointError, DataError, StepError, LearnerError) as error:
        stop(str(error))
    if trained.stopped_by:
        print(f"Stopped; go on with: kata train --resume {shown(trained.folder)}")
        raise typer.Exit(128 + trained.stopped_by)
    print(f"checkpoint  {shown(trained.folder)}")
    print(f"next        kata evaluate {shown(trained.folder)}")


@app.command()
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
    from kata.desk.demo import OutputError, Request, run_demo
    from kata.desk.learner import LearnerError
    from kata.train.data import DataError

    try:
        met = run_demo(Request(impl, dataset.value, data, seed, out), Console(file=sys.stdout))
    except (StepError, LearnerError, DataError, OutputError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")
    raise typer.Exit(0 if met else 1)


class Isolation(StrEnum):
    """How `kata grade` keeps submissions apart from the rest of the machine."""

    strict = "strict"
    process = "process"


@app.command()
def grade(
    submissions: Annotated[
        list[Path],
        typer.Argument(
            help="A folder of submissions, each a folder or an archive; with --merge, the results to put together.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the results go.", show_default=False)
    ],
    isolation: Annotated[
        Isolation,
        typer.Option(help="strict: bubblewrap, on Linux; process: anywhere, for code you trust."),
    ] = Isolation.strict,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on: what is graded and unchanged is kept.")
    ] = False,
    only: Annotated[
        str, typer.Option(metavar="NAME", help="Grade one submission, once again.")
    ] = "",
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**63 - 1, help="Of all inputs. Without it: a new one."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many at a time. Without it: one a core."),
    ] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only the I-th of N parts of the class.")
    ] = "1/1",
    merge: Annotated[
        bool, typer.Option("--merge", help="Put the results of several shards into one folder.")
    ] = False,
    cluster: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Grade on the workers of a Dask cluster.")
    ] = "",
) -> None:
    """Grade a folder of submissions by what their code computes, in sandboxes.

    Writes grades.csv, report.html (the class at a glance), a feedback page and
    a JSON file for each submission, and results for Gradescope. The points of a
    step come from fresh inputs, drawn for this run; the seed is kept, so that a
    submission graded again gets the same.

    Exit code 0: all is graded; 1: the grader failed at a submission, see
    grades.csv; 2: something has to be put right first.
    """
    from kata.course.paths import find_root
    from kata.grade.bubblewrap import IsolationError
    from kata.grade.console import run_grade, show
    from kata.grade.intake import IntakeError
    from kata.grade.judge import JudgeError
    from kata.grade.session import Request, SessionError, part
    from kata.grade.session import merge as merge_runs

    console = Console(file=sys.stdout)
    try:
        if merge:
            summary = merge_runs(submissions, out)
            show(summary, out, console)
        elif len(submissions) == 1:
            request = Request(
                submissions[0],
                out,
                isolation.value,
                seed,
                resume,
                only,
                part(shard),
                workers,
                cluster,
            )
            summary = run_grade(find_root(), request, console)
        else:
            stop("Name one folder of submissions; several only with --merge.")
    except (IntakeError, IsolationError, JudgeError, SessionError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; go on with --resume.")
    if refused := [f"{r.name}: {r.refused}" for r in summary.refused]:
        stop("Not taken in, and graded 0: " + "; ".join(refused[:5]) + ".")
    raise typer.Exit(1 if any(r.error for r in summary.results) else 0)


@app.command()
def gradescope(
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The archive to write.")],
) -> None:
    """Build the autograder archive for Gradescope: the course, and the scripts that set it up and run it."""
    from kata.course.paths import find_root
    from kata.grade.gradescope import PackingError, write_autograder

    try:
        size = write_autograder(find_root(), out)
    except PackingError as error:
        stop(str(error))
    print(f"{out}: {size / 2**20:.1f} MB. Upload it under Configure Autograder, Zip file upload.")


@app.command("student-copy")
def student_copy(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Copy the course for a class: everything a learner needs; no solutions, no mistakes, no verdicts."""
    from kata.course.paths import find_root
    from kata.grade.student import CopyError, write_student_copy

    try:
        count = write_student_copy(find_root(), folder)
    except CopyError as error:
        stop(str(error))
    print(f"{folder}: {count} files. Hand it out as it is.")


@app.command()
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
    from kata.desk.bench import BenchError, Wish, run_bench
    from kata.desk.training import TrainingError
    from kata.train.bench.sampling import CountError
    from kata.train.checkpoints import CheckpointError
    from kata.train.data import DataError

    wish = Wish(only, device, threads, repeats, checkpoint, data, full, limit, json)
    try:
        run_bench(wish, Console(file=sys.stdout))
    except CountError as error:
        Console(stderr=True).print(str(error), style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except (BenchError, TrainingError, CheckpointError, DataError, StepError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def reset(step: Annotated[str, typer.Argument(help="1 to 10.")]) -> None:
    """Put the stub back; your file is kept beside it under another name."""
    from kata.desk.desk import DeskError, chosen_step, learners_desk
    from kata.desk.hints import reset

    try:
        reset(learners_desk(), chosen_step(step), Console())
    except DeskError as error:
        stop(str(error))


class Method(StrEnum):
    """How `kata generate` and `kata evaluate` walk from noise to images."""

    euler = "euler"
    heun = "heun"


@app.command()
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
    from kata.desk.evaluate import evaluate_checkpoint
    from kata.desk.learner import LearnerError
    from kata.desk.options import OptionError, file_to_write, interval_of, scales_of
    from kata.desk.scorecard import print_scores, write_scores
    from kata.desk.studio import Sampling
    from kata.desk.training import TrainingError
    from kata.train.checkpoints import CheckpointError
    from kata.train.data import DataError

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
        *(DataError, StepError, LearnerError),
    ) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")


@app.command()
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
    from kata.desk.generate import Wish
    from kata.desk.generate import generate as draw
    from kata.desk.learner import LearnerError
    from kata.desk.options import OptionError, file_to_write, interval_of
    from kata.desk.studio import Sampling
    from kata.desk.training import TrainingError
    from kata.train.checkpoints import CheckpointError

    try:
        sampling = Sampling(sampler.value, steps, interval_of(interval))
        picture = file_to_write(out, "--out", ".png")
        wish = Wish(digits, scale, count, checkpoint, impl, seed, sampling, device, picture)
        draw(wish, Console(file=sys.stdout))
    except (OptionError, TrainingError, CheckpointError, StepError, LearnerError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; nothing was written.")


@app.command(hidden=True)
def ship(
    run: Annotated[Path, typer.Argument(help="A run of kata train.")],
    name: Annotated[str, typer.Argument(help="Its name in checkpoints/.")],
    half: Annotated[bool, typer.Option(help="Keep the weights in half precision.")] = False,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Where MNIST lies.")] = None,
    remark: Annotated[str, typer.Option(help="A sentence for the card.")] = "",
) -> None:
    """For maintainers: put a run into checkpoints/NAME, evaluate it there, and write its model card."""
    from kata.desk.scorecard import print_scores
    from kata.desk.shipping import ship as put
    from kata.train.checkpoints import CheckpointError
    from kata.train.data import DataError

    console = Console(file=sys.stdout)
    try:
        folder, report = put(run, name, half, console, data, remark)
    except (CheckpointError, DataError) as error:
        stop(str(error))
    print_scores(report, console)
    print(f"shipped  {folder}")


@app.command()
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


@app.command()
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
