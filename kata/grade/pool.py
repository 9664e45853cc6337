"""Pools that grade submissions: sandboxes and a judge, here or all over a Dask cluster."""

import atexit
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from kata.course import KataError
from kata.course.files import find_root
from kata.grade.intake import Source, Submission
from kata.grade.judge import Judge, JudgeError
from kata.grade.keys import course_hash
from kata.grade.results import SubmissionResult
from kata.grade.sandbox.bubblewrap import IsolationError
from kata.grade.sandbox.client import Sandboxes
from kata.grade.sandbox.isolation import Limits
from kata.grade.sandbox.layers import Layer, try_layers

GradingStream = Callable[[Iterable[Source]], Iterator[SubmissionResult]]
Key = Callable[[Submission], str]

LOOK_EVERY = 2.0
"""Seconds after which the workers of a cluster are counted again."""


class ClusterError(KataError):
    """The cluster cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """All that decides a grade besides the submission.

    hidden: folders that no sandbox may see; course: its hash, which every machine must have.
    """

    isolation: str
    seed: int
    limits: Limits
    hidden: tuple[Path, ...] = ()
    workers: int | None = None
    course: str = ""


@contextmanager
def local_pool(
    root: Path, settings: Settings, key: Key
) -> Iterator[tuple[list[Layer], GradingStream]]:
    """Yield the layers of isolation here, and a function that grades submissions in parallel."""
    with Sandboxes(root, settings.isolation, settings.hidden, settings.workers) as sandboxes:
        layers = try_layers(sandboxes, root, settings.hidden)
        judge = Judge(root, sandboxes, settings.seed, settings.limits)

        def one(source: Source) -> SubmissionResult:
            try:
                submission = source.read()
            except Exception as error:
                return _unread(source, error)
            return _graded(judge, submission, key(submission))

        with ThreadPoolExecutor(sandboxes.workers) as pool:
            try:
                yield layers, lambda todo: _as_completed(pool, one, todo, 2 * sandboxes.workers)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


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


def _graded(judge: Judge, submission: Submission, key: str) -> SubmissionResult:
    """The result of a submission; the grader's own failure is no grade: it is tried again later."""
    try:
        result = judge.grade(submission, key)
    except JudgeError:
        raise
    except Exception as error:
        return _failed(submission, error)
    return _as_handed_in(result, submission)


def _failed(submission: Submission, error: Exception) -> SubmissionResult:
    """The result of a submission at which the grader failed."""
    result = Judge.failed(submission, "", f"{type(error).__name__}: {error}")
    return _as_handed_in(result, submission)


def _as_handed_in(result: SubmissionResult, submission: Submission) -> SubmissionResult:
    """A result with what intake knows of its submission."""
    return replace(
        result,
        notes=(*result.notes, *submission.notes),
        person=submission.person,
        identifier=submission.identifier,
        late=submission.late,
    )


def _unread(source: Source, error: Exception) -> SubmissionResult:
    """The result of a submission that the grader failed to read."""
    submission = Submission(
        source.name, late=source.late, person=source.person, identifier=source.identifier
    )
    return _failed(submission, error)


@contextmanager
def cluster_pool(
    address: str, settings: Settings, key: Key, say: Callable[[str], None]
) -> Iterator[tuple[list[Layer], GradingStream]]:
    """Yield the same for a Dask cluster, whose machines have the course: only texts go there.

    say: called with a sentence when there is no worker, and again when one has come; the run waits
    for it. Raise ClusterError if there is no such cluster, or no Dask.
    """
    try:
        from distributed import Client  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ClusterError(
            "--cluster needs Dask: pip install -e '.[cluster]', here and on every worker."
        ) from None
    try:
        client = Client(address, timeout="15s")
    except (OSError, ValueError) as error:
        raise ClusterError(f"There is no Dask cluster at {address}: {error}.") from None
    with client, _watched(client, address, say):
        layers = _layers_everywhere(client, settings)
        held = tuple(layer.name for layer in layers if layer.holds)
        yield layers, lambda todo: _from_workers(client, settings, held, key, todo)


def _workers(client: Any) -> list[str]:
    return list(client.scheduler_info(n_workers=-1)["workers"])


@contextmanager
def _watched(client: Any, address: str, say: Callable[[str], None]) -> Iterator[None]:
    """Count the workers again and again, and say when there are none, and when one has come."""
    ended = threading.Event()

    def watch() -> None:
        alone = False
        while not ended.is_set():
            try:
                none = not _workers(client)
            except Exception:  # the scheduler does not answer; the run itself finds out
                none = True
            if none and not alone and not ended.is_set():
                say(f"The cluster at {address} has no worker; the run goes on when one comes.")
            elif alone and not none:
                say("A worker has come.")
            alone = none
            ended.wait(LOOK_EVERY)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(LOOK_EVERY)


def _layers_everywhere(client: Any, settings: Settings) -> list[Layer]:
    """Of every layer, the weakest on any worker. Wait until a worker is there, and stays."""
    found: list[list[Layer]] = []
    while not found:
        asked = {
            worker: client.submit(_layers_there, settings, workers=[worker], pure=False)
            for worker in _workers(client)
        }
        while asked:
            there = _workers(client)
            for worker, future in list(asked.items()):
                if future.done():
                    found.append(_result_of(future))
                    del asked[worker]
                elif worker not in there:
                    future.cancel()
                    del asked[worker]
            time.sleep(0.1)
        time.sleep(0.1)
    return [min(same, key=lambda layer: layer.holds) for same in zip(*found, strict=True)]


def _from_workers(
    client: Any, settings: Settings, held: tuple[str, ...], key: Key, todo: Iterable[Source]
) -> Iterator[SubmissionResult]:
    """Results as they come, with four submissions under way per worker.

    What a worker that died was at is given to another one.
    """
    from distributed import as_completed  # type: ignore[import-not-found, unused-ignore]

    waiting = iter(todo)
    under_way: dict[Any, Submission] = {}
    unread: list[SubmissionResult] = []

    def submit() -> list[Any]:
        new = []
        while len(under_way) < 4 * max(1, len(_workers(client))):
            source = next(waiting, None)
            if source is None:
                break
            try:
                submission = source.read()
            except Exception as error:
                unread.append(_unread(source, error))
                continue
            future = client.submit(
                _graded_there, settings, held, submission, key(submission), pure=False
            )
            under_way[future] = submission
            new.append(future)
        return new

    done = as_completed(submit())
    for future in done:
        submission = under_way.pop(future)
        for new in submit():
            done.add(new)
        try:
            yield SubmissionResult.from_dict(_result_of(future))
        except KataError:
            raise
        except Exception as error:
            yield _failed(submission, error)
    yield from unread


def _result_of(future: Any) -> Any:
    """A future's result; raise ClusterError if the scheduler is gone."""
    if future.status in ("cancelled", "lost"):
        raise ClusterError(
            "The scheduler of the cluster is gone: start it again, and go on with --resume."
        )
    return future.result()


_there: dict[Settings, tuple[Judge, list[Layer]]] = {}
_there_lock = threading.Lock()


def _judge_there(settings: Settings) -> tuple[Judge, list[Layer]]:
    """The judge in this process of a cluster and the layers of isolation here, made once."""
    with _there_lock:
        if settings not in _there:
            root = find_root()
            if course_hash(root) != settings.course:
                raise ClusterError(
                    f"The machine {platform.node()} has another version of the course: bring all machines "
                    "of the cluster to the same one."
                )
            sandboxes = Sandboxes(root, settings.isolation, settings.hidden, settings.workers)
            sandboxes.__enter__()
            atexit.register(sandboxes.__exit__, None, None, None)
            layers = try_layers(sandboxes, root, settings.hidden)
            judge = Judge(root, sandboxes, settings.seed, settings.limits)
            _there[settings] = judge, layers
        return _there[settings]


def _layers_there(settings: Settings) -> list[Layer]:
    return _judge_there(settings)[1]


def _graded_there(
    settings: Settings, held: tuple[str, ...], submission: Submission, key: str
) -> dict[str, Any]:
    judge, layers = _judge_there(settings)
    lost = [layer.words for layer in layers if not layer.holds and layer.name in held]
    if lost:
        raise IsolationError(
            f"The machine {platform.node()} came later and isolates less: {'; '.join(lost)}."
        )
    return _graded(judge, submission, key).to_dict()
