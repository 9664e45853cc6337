"""Pools that grade submissions: sandboxes and a judge, here or all over a Dask cluster."""

import atexit
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from kata.course.files import find_root
from kata.grade.intake import Source, Submission
from kata.grade.judge import Judge, JudgeError
from kata.grade.results import SubmissionResult
from kata.grade.sandbox.bubblewrap import IsolationError
from kata.grade.sandbox.client import Sandboxes
from kata.grade.sandbox.isolation import Limits
from kata.grade.sandbox.layers import Layer, try_layers

GradingStream = Callable[[Iterable[Source]], Iterator[SubmissionResult]]
Key = Callable[[Submission], str]


@dataclass(frozen=True)
class Settings:
    """All that decides a grade besides the submission. hidden: folders that no sandbox may see."""

    isolation: str
    seed: int
    limits: Limits
    hidden: tuple[Path, ...] = ()
    workers: int | None = None


@contextmanager
def local_pool(
    root: Path, settings: Settings, key: Key
) -> Iterator[tuple[list[Layer], GradingStream]]:
    """Yield the layers of isolation here, and a function that grades submissions in parallel."""
    with Sandboxes(root, settings.isolation, settings.hidden, settings.workers) as sandboxes:
        layers = try_layers(sandboxes, root, settings.hidden)
        judge = Judge(root, sandboxes, settings.seed, settings.limits)

        def one(source: Source) -> SubmissionResult:
            return _graded(judge, submission := source.read(), key(submission))

        with ThreadPoolExecutor(sandboxes.workers) as pool:
            try:
                yield layers, lambda todo: _as_completed(pool, one, todo, 2 * sandboxes.workers)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def cluster_pool(
    address: str, settings: Settings, key: Key
) -> Iterator[tuple[list[Layer], GradingStream]]:
    """Yield the same for a Dask cluster, whose machines have the course: only texts go there.

    Raise IsolationError if there is no such cluster, or no Dask.
    """
    try:
        from distributed import Client, as_completed  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise IsolationError(
            "--cluster needs Dask: pip install -e '.[cluster]', here and on every worker."
        ) from None
    try:
        client = Client(address, timeout="15s")
    except (OSError, ValueError) as error:
        raise IsolationError(f"There is no Dask cluster at {address}: {error}.") from None
    with client:
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            raise IsolationError(f"The Dask cluster at {address} has no workers: start one.")
        tried = client.gather(
            [client.submit(_layers_there, settings, workers=[w], pure=False) for w in workers]
        )
        layers = [min(same, key=lambda layer: layer.holds) for same in zip(*tried, strict=True)]

        def stream(todo: Iterable[Source]) -> Iterator[SubmissionResult]:
            waiting = iter(todo)

            def submit(count: int) -> list[Any]:
                texts = (source.read() for source in islice(waiting, count))
                return [
                    client.submit(_graded_there, settings, t, key(t), pure=False) for t in texts
                ]

            done = as_completed(submit(4 * len(workers)))
            for future in done:
                yield SubmissionResult.from_dict(future.result())
                for new in submit(1):
                    done.add(new)

        yield layers, stream


def _graded(judge: Judge, submission: Submission, key: str) -> SubmissionResult:
    try:
        return judge.grade(submission, key)
    except (JudgeError, IsolationError):
        raise
    except Exception as error:  # the grader's own failure is no grade: --resume tries again
        return judge.failed(submission, key, f"{type(error).__name__}: {error}")


def _as_completed(
    pool: ThreadPoolExecutor,
    work: Callable[[Source], SubmissionResult],
    todo: Iterable[Source],
    ahead: int,
) -> Iterator[SubmissionResult]:
    """Results as they come, with at most `ahead` submissions under way."""
    waiting = iter(todo)
    running: set[Future[SubmissionResult]] = {pool.submit(work, s) for s in islice(waiting, ahead)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {pool.submit(work, s) for s in islice(waiting, len(done))}
        for future in done:
            yield future.result()


_there: dict[Settings, Judge] = {}
_there_lock = threading.Lock()


def _judge_there(settings: Settings) -> Judge:
    """The judge in this process of a cluster, made once."""
    with _there_lock:
        if settings not in _there:
            root = find_root()
            sandboxes = Sandboxes(root, settings.isolation, settings.hidden, settings.workers)
            sandboxes.__enter__()
            atexit.register(sandboxes.__exit__, None, None, None)
            _there[settings] = Judge(root, sandboxes, settings.seed, settings.limits)
        return _there[settings]


def _layers_there(settings: Settings) -> list[Layer]:
    judge = _judge_there(settings)
    return try_layers(judge.sandboxes, judge.root, settings.hidden)


def _graded_there(settings: Settings, submission: Submission, key: str) -> dict[str, Any]:
    return _graded(_judge_there(settings), submission, key).to_dict()
