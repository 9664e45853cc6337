"""For instructors: student-copy, grade, gradescope."""

import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, stop

PANEL = "Teach"


class Isolation(StrEnum):
    """How `kata grade` keeps submissions apart from the rest of the machine."""

    strict = "strict"
    process = "process"


def need_grader() -> None:
    """Stop if the grader is not there, as in a students' copy."""
    if find_spec("kata.grade") is None:
        stop("The grader is not part of this copy of the course: use a whole clone.")


@app.command("student-copy", rich_help_panel=PANEL)
def student_copy(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Copy the course for a class, without solutions, mistakes and grader."""
    need_grader()
    from kata.course.files import find_root
    from kata.grade.targets import CopyError, write_student_copy

    try:
        count = write_student_copy(find_root(), folder)
    except CopyError as error:
        stop(str(error))
    print(f"{folder}: {count} files. Hand it out as it is.")


@app.command(rich_help_panel=PANEL)
def grade(
    submissions: Annotated[
        list[Path],
        typer.Argument(
            help="A folder of submissions, each a folder or an archive; with --merge, folders of results.",
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
        bool, typer.Option("--resume", help="Go on; keep what is graded and unchanged.")
    ] = False,
    only: Annotated[str, typer.Option(metavar="NAME", help="Grade one submission again.")] = "",
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**63 - 1, help="Seed of all inputs. Without it: a new one."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many at a time. Without it: one per core."),
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
    a JSON file per submission, and results for Gradescope. The points of a step
    come from fresh inputs, drawn for this run; the seed is kept, so that a
    submission graded again gets the same points.

    Exit code 0: all is graded; 1: the grader failed at a submission, see
    grades.csv; 2: something has to be put right first.
    """
    need_grader()
    from kata.course.files import find_root
    from kata.grade.console import run_grade, show_summary
    from kata.grade.intake import IntakeError
    from kata.grade.judge import JudgeError
    from kata.grade.run import GradeRequest, GradingError, merge_runs, read_shard
    from kata.grade.sandbox.bubblewrap import IsolationError

    console = Console(file=sys.stdout)
    try:
        if merge:
            summary = merge_runs(submissions, out)
            show_summary(summary, out, console)
        elif len(submissions) == 1:
            request = GradeRequest(
                submissions[0],
                out,
                isolation.value,
                seed,
                resume,
                only,
                read_shard(shard),
                workers,
                cluster,
            )
            summary = run_grade(find_root(), request, console)
        else:
            stop("Name one folder of submissions; several only with --merge.")
    except (IntakeError, IsolationError, JudgeError, GradingError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        stop("Stopped by Ctrl-C; go on with --resume.")
    if refused := [f"{r.name}: {r.refused}" for r in summary.refused]:
        stop("Could not be read, and got 0 points: " + "; ".join(refused[:5]) + ".")
    raise typer.Exit(1 if any(r.error for r in summary.results) else 0)


@app.command(rich_help_panel=PANEL)
def gradescope(
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The archive to write.")],
) -> None:
    """Build the autograder archive for Gradescope: the course, and scripts that run it."""
    need_grader()
    from kata.course.files import find_root
    from kata.grade.targets import PackingError, write_autograder

    try:
        size = write_autograder(find_root(), out)
    except PackingError as error:
        stop(str(error))
    print(f"{out}: {size / 2**20:.1f} MB. Upload it under Configure Autograder, Zip file upload.")
