"""For instructors: student-copy, grade, gradescope."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kata.cli.app import app, need, one_sentence, stop

PANEL = "Teach"


class Isolation(StrEnum):
    """How `kata grade` keeps submissions apart from the rest of the machine."""

    strict = "strict"
    process = "process"


def need_grader() -> None:
    """Stop if the grader is not there."""
    need("kata.grade", "The grader")


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
    platform: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PLATFORM",
            help="Where the class comes from, if its names do not tell: canvas, moodle, blackboard, "
            "brightspace, gradescope, github or folders.",
        ),
    ] = "auto",
    classroom50: Annotated[
        bool,
        typer.Option("--classroom50", help="Write result.json for Classroom 50, for one student."),
    ] = False,
) -> None:
    """Grade a folder of submissions by what their code computes, in sandboxes.

    Writes grades.csv, report.html (the class at a glance), a feedback page and
    a JSON file per submission, and the forms in which Canvas, Moodle and
    Gradescope take grades. The points of a step come from fresh inputs, drawn
    for this run; the seed is kept, so that a submission graded again gets the
    same points.

    Exit code 0: all is graded. 1: all is graded that can be, and something
    needs you: the grader failed at a submission, a submission could not be
    read, or something was seen and not taken. 2: the run did not end, because
    something has to be put right first; what is graded is kept.
    """
    need_grader()
    from kata.course.files import find_root
    from kata.grade.classroom50 import write_classroom50
    from kata.grade.console import run_grade, show_summary, show_what_needs_you
    from kata.grade.merge import merge_runs
    from kata.grade.run import GradeRequest, read_shard

    console = Console(file=sys.stdout)
    with one_sentence("Stopped by Ctrl-C; go on with --resume."):
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
                platform=platform,
            )
            summary = run_grade(find_root(), request, console)
        else:
            stop("Name one folder of submissions; several only with --merge.")
        if classroom50:
            write_classroom50(out, summary.results, os.environ)
    needs_you = show_what_needs_you(summary, out, Console(stderr=True))
    raise typer.Exit(1 if needs_you else 0)


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
