"""A run of the grader, from a folder of submissions to a folder of results. It can be resumed."""

import platform
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from kata.course import KataError
from kata.grade import results
from kata.grade.intake import (
    ClassFolder,
    IntakeError,
    Source,
    Submission,
    printable,
    read_class,
    same_name,
)
from kata.grade.keys import course_hash, submission_key
from kata.grade.output import claimed, holds_something
from kata.grade.pool import GradingStream, Key, Settings, cluster_pool, local_pool
from kata.grade.reports import write_reports
from kata.grade.results import GradingRun, SubmissionResult
from kata.grade.sandbox.isolation import Limits
from kata.grade.sandbox.layers import Layer
from kata.grade.tables import cell


class GradingError(KataError):
    """The run cannot start; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class GradeRequest:
    """The options of `kata grade`.

    seed: None for a fresh one; only: a name, or "" for all; shard: (I, N); platform: as for
    `read_class`.
    """

    submissions: Path
    out: Path
    isolation: str = "strict"
    seed: int | None = None
    resume: bool = False
    only: str = ""
    shard: tuple[int, int] = (1, 1)
    workers: int | None = None
    cluster: str = ""
    limits: Limits = field(default_factory=Limits)
    platform: str = "auto"


@dataclass(frozen=True)
class Summary:
    """The outcome of a run. graded: how many now; kept: how many from before."""

    run: GradingRun
    results: Sequence[SubmissionResult]
    graded: int = 0
    kept: int = 0

    @property
    def refused(self) -> list[SubmissionResult]:
        """The submissions that could not be read."""
        return [r for r in self.results if r.refused]

    @property
    def failed(self) -> list[SubmissionResult]:
        """The submissions at which the grader failed."""
        return [r for r in self.results if r.status == "grader_error"]


Announce = Callable[[Sequence[Layer], int], None]
Progress = Callable[[SubmissionResult, float], None]
Say = Callable[[str], None]


def grade_class(
    root: Path,
    request: GradeRequest,
    announce: Announce,
    progress: Progress,
    say: Say = lambda words: None,
) -> Summary:
    """Grade what is not graded yet, and write all reports.

    announce: called with the layers of isolation and the number of submissions to grade, before the
    first one runs; progress: called with every result, and the seconds that are left; say: called
    with a sentence when the run has to wait. A submission at which the grader failed is tried once
    more at the end. Raise a KataError; what is graded by then is kept.
    """
    everyone = read_class(request.submissions, request.platform)
    course = course_hash(root)
    _old_run(request, course)  # before anything is written
    with claimed(request.out):
        return _grade(root, request, everyone, course, announce, progress, say)


def _grade(
    root: Path,
    request: GradeRequest,
    everyone: ClassFolder,
    course: str,
    announce: Announce,
    progress: Progress,
    say: Say,
) -> Summary:
    old = _old_run(request, course)
    seed = old.seed if old else request.seed if request.seed is not None else secrets.randbits(63)
    run = GradingRun(
        seed=seed,
        isolation=request.isolation,
        course=course,
        shard=old.shard if old else _shard(request),
        source=printable(request.submissions.resolve().name),
        versions={
            **{name: version(name) for name in ("cfg-kata", "torch", "numpy")},
            "python": platform.python_version(),
            "system": platform.platform(terse=True),
        },
        platform=everyone.platform,
        everyone=tuple(source.name for source in everyone.sources),
        left=tuple((left.place, left.why) for left in everyone.left),
    )
    if old and old.course != course:
        say("The course has changed since: everybody is graded again.")

    def key(submission: Submission) -> str:
        return submission_key(submission, run.origin)

    wanted = _wanted(everyone.sources, request, run)
    before = {} if request.only else {r.name: r for r in run.results(request.out)}
    todo = [source for source in wanted if not _is_graded(source, before.get(source.name), key)]
    hidden = (request.submissions.resolve(), request.out.resolve())
    settings = Settings(
        request.isolation, seed, request.limits, hidden, request.workers, course=course
    )
    pool = (
        cluster_pool(request.cluster, settings, key, say)
        if request.cluster
        else local_pool(root, settings, key)
    )
    with pool as (layers, stream):
        announce(layers, len(todo))
        run = replace(run, layers=tuple(asdict(layer) for layer in layers))
        run.write(request.out)
        started = time.monotonic()
        for done, result in enumerate(_tried_twice(stream, todo), start=1):
            result = replace(
                result,
                isolation=run.isolation,
                not_prevented=run.not_prevented,
                origin=run.origin,
            )
            results.save_result(request.out, result)
            progress(result, (time.monotonic() - started) / done * (len(todo) - done))
    found = run.results(request.out)
    write_reports(request.out, run, found)
    return Summary(run, found, len(todo), len(wanted) - len(todo))


def _tried_twice(stream: GradingStream, todo: Sequence[Source]) -> Iterator[SubmissionResult]:
    """Results as they come; those at which the grader failed come last, after a second try."""
    failed = set()
    for result in stream(todo):
        if result.error:
            failed.add(result.name)
        else:
            yield result
    if failed:
        yield from stream([source for source in todo if source.name in failed])


def read_shard(text: str) -> tuple[int, int]:
    """Return the I and N of `I/N`, 1 <= I <= N; raise GradingError for anything else."""
    numbers = text.split("/")
    if len(numbers) == 2 and all(n.isdecimal() for n in numbers):
        index, count = int(numbers[0]), int(numbers[1])
        if 1 <= index <= count:
            return index, count
    raise GradingError(f"--shard {text}: say I/N, for example 1/4 for the first of four parts.")


def _is_graded(source: Source, known: SubmissionResult | None, key: Key) -> bool:
    if known is None or known.error:
        return False
    try:
        return known.key == key(source.read())
    except Exception:  # what cannot be read now fails where it is graded
        return False


def _wanted(everyone: Sequence[Source], request: GradeRequest, run: GradingRun) -> list[Source]:
    here = set(run.wanted)
    if not request.only:
        return [source for source in everyone if source.name in here]
    chosen = _named(everyone, request.only)
    if not chosen:
        names = ", ".join(printable(s.name) for s in everyone[:5])
        raise IntakeError(
            f"There is no submission named {printable(request.only)!r}; there are {names} ..."
        )
    if len(chosen) > 1:
        names = ", ".join(ascii(s.name) for s in chosen)
        raise IntakeError(
            f"{printable(request.only)!r} means more than one submission: {names}; name one exactly."
        )
    if chosen[0].name not in here:
        raise GradingError(f"{printable(request.only)} is not in shard {run.shard}.")
    return chosen


def _named(everyone: Sequence[Source], name: str) -> list[Source]:
    """The submissions of a name: exactly, or by another spelling of it, or by the person's."""
    ways: tuple[Callable[[Source], bool], ...] = (
        lambda s: s.name == name,
        lambda s: same_name(name, s.name) or same_name(name, cell(s.name)),
        lambda s: same_name(name, s.person) or same_name(name, s.identifier),
    )
    return next((found for way in ways if (found := [s for s in everyone if way(s)])), [])


def _old_run(request: GradeRequest, course: str) -> GradingRun | None:
    """The run that an output folder holds and that may go on; raise GradingError if it may not."""
    out, submissions = request.out.resolve(), request.submissions.resolve()
    if out == submissions or submissions in out.parents or out in submissions.parents:
        raise GradingError(
            "The results must go to a folder outside of the submissions: change --out."
        )
    if out.exists() and not out.is_dir():
        raise GradingError(f"{request.out} is a file: name a folder with --out.")
    if not holds_something(request.out):
        return None
    try:
        run = GradingRun.read(out)
    except ValueError:
        raise GradingError(
            f"{request.out} holds something else: name a new folder with --out."
        ) from None
    if not (request.resume or request.only):
        raise GradingError(
            f"{request.out} holds another run: resume it with --resume, or name a new folder with --out."
        )
    if request.seed not in (None, run.seed):
        raise GradingError(f"{request.out} was graded with --seed {run.seed}: leave out --seed.")
    if run.isolation != request.isolation:
        raise GradingError(
            f"{request.out} was graded with --isolation {run.isolation}: use the same."
        )
    if request.only and run.course != course:
        raise GradingError(
            f"{request.out} was graded with another version of the course: grade everybody again with --resume, "
            "or name a new folder with --out."
        )
    if not request.only and run.shard != _shard(request):
        raise GradingError(f"{request.out} holds shard {run.shard or '1/1'}: use the same --shard.")
    return run


def _shard(request: GradeRequest) -> str:
    return "" if request.shard == (1, 1) else "{}/{}".format(*request.shard)
