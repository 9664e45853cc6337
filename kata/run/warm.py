"""The warm runner: a process that has imported torch, pytest and hypothesis once, and runs pytest again and again.

Each job is run in a fork of its own, which shares what was imported and nothing that a job did.
Where there is no fork, the process runs its jobs one after another and forgets the steps in
between; one that hangs or dies is replaced.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

import pytest

from kata.course.loader import unload
from kata.run.results import Job, Outcome, Result

CAN_FORK = hasattr(os, "fork")
OUTPUT_KEPT = 20_000
OPTIONS = (
    *("-q", "-c", "pyproject.toml"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler"),
    *("-W", "ignore:Module already imported"),
)


class WarmRunner:
    """Runs jobs in `workers` warm processes at a time. Use as a context manager; the processes end with it."""

    def __init__(self, folder: Path, workers: int | None = None) -> None:
        self.folder = folder
        self.workers = workers or os.cpu_count() or 1
        self._idle: SimpleQueue[_Server] = SimpleQueue()

    def __enter__(self) -> "WarmRunner":
        for _ in range(self.workers):
            self._idle.put(_Server(self.folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _ in range(self.workers):
            self._idle.get().close()

    def run(self, job: Job) -> Result:
        """Run one job, waiting for a process that is free."""
        server = self._idle.get()
        try:
            return server.run(job)
        finally:
            self._idle.put(server)

    def run_all(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Run jobs side by side; the results come in the order of the jobs."""
        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(self.run, jobs)


class _Server:
    """The near end of one warm process: a job is a line of JSON to it, a result a line of JSON back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._start()

    def _start(self) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYTHONUTF8": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kata.run.warm"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, job: Job) -> Result:
        started = time.monotonic()
        # The far end keeps the time limit where it can fork; one that cannot is ended from here.
        watchdog = threading.Timer(job.limit + (30 if CAN_FORK else 0), self.process.kill)
        watchdog.start()
        try:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(
                json.dumps({"arguments": job.arguments, "limit": job.limit}) + "\n"
            )
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watchdog.cancel()
        if line:
            return Result.from_dict(json.loads(line))
        self.close()
        self._start()
        seconds = time.monotonic() - started
        return Result(seconds=seconds, reason=_ended(seconds >= job.limit, job.limit))

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class _Collector:
    """A pytest plugin that keeps the outcome of every test."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.errors: dict[str, tuple[str, str]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        if call.excinfo is not None:
            self.errors[item.nodeid] = (call.excinfo.type.__name__, str(call.excinfo.value))
        yield

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            error, message = self.errors.get(report.nodeid, ("", ""))
            name = report.nodeid.partition("::")[2]
            self.outcomes.append(Outcome(name, report.outcome, error, message))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes.append(
                Outcome(report.nodeid, "failed", "CollectError", str(report.longrepr))
            )


def _run_pytest(arguments: list[str]) -> Result:
    started = time.monotonic()
    collector = _Collector()
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main([*OPTIONS, *arguments], plugins=[collector])
    seconds = time.monotonic() - started
    return Result(
        tuple(collector.outcomes), int(code), seconds, "", output.getvalue()[-OUTPUT_KEPT:]
    )


def _run_in_a_fork(arguments: list[str], limit: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="kata-") as folder:
        report = Path(folder) / "result.json"
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _child(arguments, report)
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() - started > limit:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return Result(seconds=limit, reason=_ended(True, limit))
            time.sleep(0.005)
        if not report.exists():
            return Result(seconds=time.monotonic() - started, reason=_ended(False, limit))
        return Result.from_dict(json.loads(report.read_text(encoding="utf-8")))


def _child(arguments: list[str], report: Path) -> None:
    """Never returns: what a job leaves behind ends with its process."""
    try:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        result = _run_pytest(arguments)
        unfinished = report.with_suffix(".part")
        unfinished.write_text(json.dumps(result.to_dict()), encoding="utf-8")
        unfinished.rename(report)
    finally:
        os._exit(0)


def _ended(too_late: bool, limit: float) -> str:
    if too_late:
        return f"ended after its limit of {limit:g} s: look for a loop that does not end"
    return "the interpreter itself ended: look for an exit call or a crash"


def _serve() -> None:
    import hypothesis  # noqa: F401 - imported once, here, for all jobs
    import torch

    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        job = json.loads(line)
        if CAN_FORK:
            result = _run_in_a_fork(job["arguments"], job["limit"])
        else:
            result = _run_pytest(job["arguments"])
            unload()
        answers.write(json.dumps(result.to_dict()) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
