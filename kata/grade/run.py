"""A run of the grader, from a folder of submissions to a folder of results. It can be resumed."""

import hashlib
import platform
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from kata.course import KataError
from kata.course.files import matching_files
from kata.grade import results
from kata.grade.intake import IntakeError, Source, Submission, printable, sources
from kata.grade.pool import Settings, cluster_pool, local_pool
from kata.grade.reports import write_reports
from kata.grade.results import GradingRun, SubmissionResult
from kata.grade.sandbox.isolation import Limits
from kata.grade.sandbox.layers import Layer


class GradingError(KataError):
    """The run cannot start; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class GradeRequest:
    """The options of `kata grade`.

    seed: None for a fresh one; only: a name, or "" for all; shard: (I, N).
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


Announce = Callable[[Sequence[Layer], int], None]
Progress = Callable[[SubmissionResult, float], None]


def grade_class(
    root: Path, request: GradeRequest, announce: Announce, progress: Progress
) -> Summary:
    """Grade what is not graded yet, and write all reports.

    announce: called with the layers of isolation and the number of submissions to grade, before the
    first one runs; progress: called with every result, and the seconds that are left. Raise
    GradingError, IntakeError, IsolationError or JudgeError, the first three before anything is
    written.
    """
    everyone = sources(request.submissions)
    old = _old_run(request)
    seed = old.seed if old else request.seed if request.seed is not None else secrets.randbits(63)
    course = course_hash(root)

    def key(submission: Submission) -> str:
        return _key(submission, course, request.isolation, seed)

    before = results.load_results(request.out) if old else {}
    wanted = _wanted(everyone, request)
    todo = [s for s in wanted if request.only or not _is_graded(s, before.get(s.name), key)]
    hidden = (request.submissions.resolve(), request.out.resolve())
    settings = Settings(request.isolation, seed, request.limits, hidden, request.workers)
    pool = (
        cluster_pool(request.cluster, settings, key)
        if request.cluster
        else local_pool(root, settings, key)
    )
    with pool as (layers, stream):
        announce(layers, len(todo))
        run = GradingRun(
            seed=seed,
            isolation=request.isolation,
            course=course,
            layers=tuple(asdict(layer) for layer in layers),
            shard=_shard(request),
            source=printable(request.submissions.resolve().name),
            versions={
                **{name: version(name) for name in ("cfg-kata", "torch", "numpy")},
                "python": platform.python_version(),
                "system": platform.platform(terse=True),
            },
        )
        run.write(request.out)
        started = time.monotonic()
        for done, result in enumerate(stream(todo), start=1):
            result = replace(result, isolation=run.isolation, not_prevented=run.not_prevented)
            results.save_result(request.out, result)
            progress(result, (time.monotonic() - started) / done * (len(todo) - done))
    names = {s.name for s in (everyone if request.only else wanted)}
    found = [r for r in results.load_results(request.out).values() if r.name in names]
    write_reports(request.out, run, found)
    return Summary(run, found, len(todo), len(wanted) - len(todo))


def merge_runs(folders: Sequence[Path], out: Path) -> Summary:
    """Put the results of several runs, shards of one class, into one folder, with reports.

    Raise GradingError if a folder holds no run, a name comes twice, or the runs differ in course,
    seed or isolation.
    """
    if out.exists() and any(out.iterdir()):
        raise GradingError(f"{out} is not empty: name a new folder with --out.")
    try:
        runs = [GradingRun.read(folder) for folder in folders]
    except ValueError as error:
        raise GradingError(f"{error}: name folders that `kata grade` wrote.") from None
    if len({(r.seed, r.isolation, r.course) for r in runs}) > 1:
        raise GradingError(
            "The runs have different seeds, isolation or versions of the course: grade all shards with the same "
            "--seed and --isolation from one clone."
        )
    merged: dict[str, SubmissionResult] = {}
    for folder in folders:
        for name, result in results.load_results(folder).items():
            if name in merged:
                raise GradingError(f"{printable(name)} was graded in more than one of the folders.")
            merged[name] = result
    run = GradingRun(**{**asdict(runs[0]), "layers": _weakest(runs), "shard": ""})
    run.write(out)
    for result in merged.values():
        results.save_result(out, result)
    found = sorted(merged.values(), key=lambda r: r.name.casefold())
    write_reports(out, run, found)
    return Summary(run, found, kept=len(found))


def read_shard(text: str) -> tuple[int, int]:
    """Return the I and N of `I/N`, 1 <= I <= N; raise GradingError for anything else."""
    numbers = text.split("/")
    if len(numbers) == 2 and all(n.isdecimal() for n in numbers):
        index, count = int(numbers[0]), int(numbers[1])
        if 1 <= index <= count:
            return index, count
    raise GradingError(f"--shard {text}: say I/N, for example 1/4 for the first of four parts.")


def course_hash(root: Path) -> str:
    """Return a digest of everything in the course that decides a grade."""
    digest = hashlib.sha256()
    patterns = (
        *("solutions/*.py", "tests/test_step*.py", "tests/mistakes/*/*.py", "kata/given/*.py"),
        *("kata/course/*", "kata/testing/*.py", "kata/criteria/*.py", "kata/grade/**/*.py"),
    )
    for path in matching_files(root, patterns):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _key(submission: Submission, course: str, isolation: str, seed: int) -> str:
    """A digest of all that a submission's grade depends on."""
    digest = hashlib.sha256(f"{course} {isolation} {seed} {submission.late}".encode())
    for number, text in submission.files.items():
        digest.update(f"\0{number} {len(text)}\0".encode() + text)
    problems = f"{dict(submission.problems)} {submission.refused}"
    digest.update(problems.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _is_graded(
    source: Source, known: SubmissionResult | None, key: Callable[[Submission], str]
) -> bool:
    return known is not None and not known.error and known.key == key(source.read())


def _wanted(everyone: list[Source], request: GradeRequest) -> list[Source]:
    if not request.only:
        index, count = request.shard
        return everyone[index - 1 :: count]
    chosen = [s for s in everyone if s.name == request.only]
    if not chosen:
        names = ", ".join(printable(s.name) for s in everyone[:5])
        raise IntakeError(f"There is no submission named {request.only!r}; there are {names} ...")
    return chosen


def _old_run(request: GradeRequest) -> GradingRun | None:
    """The run that an output folder holds and that may go on; raise GradingError if it may not."""
    out, submissions = request.out.resolve(), request.submissions.resolve()
    if out == submissions or submissions in out.parents or out in submissions.parents:
        raise GradingError(
            "The results must go to a folder outside of the submissions: change --out."
        )
    if out.exists() and not out.is_dir():
        raise GradingError(f"{request.out} is a file: name a folder with --out.")
    if not out.exists() or not any(out.iterdir()):
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
    if not request.only and run.shard != _shard(request):
        raise GradingError(f"{request.out} holds shard {run.shard or '1/1'}: use the same --shard.")
    return run


def _shard(request: GradeRequest) -> str:
    return "" if request.shard == (1, 1) else "{}/{}".format(*request.shard)


def _weakest(runs: Sequence[GradingRun]) -> tuple[dict[str, object], ...]:
    """Of every layer, one that does not hold if it fails in any run."""
    return tuple(
        min(same, key=lambda layer: bool(layer["holds"]))
        for same in zip(*(run.layers for run in runs), strict=True)
    )
