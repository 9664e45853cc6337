"""Shards of one class, put together. What is not complete is refused: nobody is lost on the way."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kata.grade.intake import printable
from kata.grade.output import claimed, holds_something
from kata.grade.reports import write_reports
from kata.grade.results import GradingRun, SubmissionResult, save_result
from kata.grade.run import GradingError, Summary


def merge_runs(folders: Sequence[Path], out: Path) -> Summary:
    """Put the results of all shards of one class into one folder, with reports.

    Raise GradingError if a folder holds no run, a shard is missing, comes twice or is not complete,
    or the runs differ in course, seed, isolation or class; OutputError if `out` cannot be written.
    """
    if (out.exists() and not out.is_dir()) or holds_something(out):
        raise GradingError(f"{out} is not empty: name a new folder with --out.")
    try:
        runs = [GradingRun.read(folder) for folder in folders]
    except ValueError as error:
        raise GradingError(f"{error}: name folders that `kata grade` wrote.") from None
    _demand_one_class(runs)
    _demand_every_shard(runs)
    found: list[SubmissionResult] = []
    for folder, run in zip(folders, runs, strict=True):
        found += _complete(folder, run)
    found.sort(key=lambda r: (r.name.casefold(), r.name))
    left = dict.fromkeys(left for run in runs for left in run.left)
    whole = replace(runs[0], layers=_weakest(runs), left=tuple(left), shard="")
    with claimed(out):
        whole.write(out)
        for result in found:
            save_result(out, result)
        write_reports(out, whole, found)
    return Summary(whole, found, kept=len(found))


def _demand_one_class(runs: Sequence[GradingRun]) -> None:
    if len({run.origin for run in runs}) > 1:
        raise GradingError(
            "The runs have different seeds, isolation or versions of the course: grade all shards with the same "
            "--seed and --isolation from one clone."
        )
    if len({run.everyone for run in runs}) > 1:
        counts = ", ".join(str(len(run.everyone)) for run in runs)
        raise GradingError(
            f"The shards saw different classes ({counts} submissions): grade them again from one folder."
        )


def _demand_every_shard(runs: Sequence[GradingRun]) -> None:
    parts = Counter(run.part for run in runs)
    counts = {count for _, count in parts}
    if len(counts) > 1:
        names = ", ".join(f"{index}/{count}" for index, count in sorted(parts))
        raise GradingError(f"The shards {names} are not parts of one division of the class.")
    (count,) = counts
    twice = [index for (index, _), times in parts.items() if times > 1]
    if twice:
        raise GradingError(f"Shard {twice[0]}/{count} is in more than one of the folders.")
    missing = [str(i) for i in range(1, count + 1) if (i, count) not in parts]
    if missing:
        raise GradingError(
            f"Of {count} shards {', '.join(missing)} is missing: grade it, and name its folder as well."
        )


def _complete(folder: Path, run: GradingRun) -> list[SubmissionResult]:
    """The results of a shard; raise GradingError if one is missing."""
    found = run.results(folder)
    missing = [printable(r.name) for r in found if r.status == "not_graded"]
    if missing:
        names = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise GradingError(
            f"{folder} is not complete, {len(missing)} of {len(found)} submissions are not graded ({names}): "
            "go on there with --resume."
        )
    return found


def _weakest(runs: Sequence[GradingRun]) -> tuple[dict[str, object], ...]:
    """Of every layer, one that does not hold if it fails in any run."""
    return tuple(
        min(same, key=lambda layer: bool(layer["holds"]))
        for same in zip(*(run.layers for run in runs), strict=True)
    )
