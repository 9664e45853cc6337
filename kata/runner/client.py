"""The warm runner: processes that have imported torch, pytest and hypothesis once, and call
functions again and again.

This is the near end, see `kata.runner.server` for the far end. Each call is made in a fork of its
own. A process that hangs or dies is replaced.
"""

import contextlib
import copy
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from kata.runner.outcomes import CAN_FORK, Call, PytestJob, PytestResult, Reply, ended


class CallStopped(Exception):
    """The call was stopped, or its runner was closed."""


class WarmRunner:
    """Runs jobs in `workers` warm processes at a time. Use it as a context manager: they end with
    it.

    training: warm up for optimisers as well, which takes seconds more at the start.
    """

    def __init__(self, folder: Path, workers: int | None = None, training: bool = True) -> None:
        self.folder = folder
        self.workers = workers or os.cpu_count() or 1
        self.training = training
        self._servers: list[_Server] = []
        self._idle: SimpleQueue[_Server] = SimpleQueue()
        self._switch = _StopSwitch()

    def __enter__(self) -> "WarmRunner":
        self._servers = [_Server(self.folder, self.training) for _ in range(self.workers)]
        for server in self._servers:
            self._idle.put(server)
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.close()

    def task(self) -> "WarmRunner":
        """Return a runner on the same processes for one piece of work, which can be stopped
        alone.
        """
        task = copy.copy(self)
        task._switch = _StopSwitch()
        return task

    def stop(self) -> None:
        """End the calls that run; they, and all later ones, raise `CallStopped`. Any thread may
        call it.
        """
        self._switch.stop()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._switch.is_stopped

    def run(self, job: PytestJob) -> PytestResult:
        """Run one job, as soon as a process is free."""
        arguments = {"arguments": job.arguments, "test_limit": job.test_limit}
        reply = self.call(Call("kata.runner.pytest_run:run_pytest", arguments, job.limit))
        if reply.reason:
            return PytestResult(seconds=reply.seconds, reason=reply.reason)
        return PytestResult.from_dict(reply.value)

    def call(self, call: Call) -> Reply:
        """Call a function, as soon as a process is free."""
        server = self._idle.get()
        try:
            return server.call(call, self._switch)
        finally:
            self._idle.put(server)

    def run_all(self, jobs: Iterable[PytestJob]) -> Iterator[PytestResult]:
        """Run jobs side by side; yield the results in the order of the jobs."""
        task, pool = self.task(), ThreadPoolExecutor(self.workers)
        try:
            yield from pool.map(task.run, jobs)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            task.stop()


class _StopSwitch:
    """Ends the calls that were begun under it, once and for all."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []

    def stop(self) -> None:
        with self._lock:
            self.is_stopped = True
            for end in self._ends:
                end()

    @contextlib.contextmanager
    def on(self, begin: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
        """Begin a call that `stop` ends. Raise `CallStopped` if it was stopped before or
        meanwhile.
        """
        with self._lock:
            if self.is_stopped:
                raise CallStopped
            begin()
            self._ends.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)
        if self.is_stopped:
            raise CallStopped


class _Server:
    """The near end of one warm process: a call is a line of JSON to it, a reply is a line of
    JSON back.
    """

    def __init__(self, folder: Path, training: bool) -> None:
        self.folder = folder
        self.training = training
        self.number = 0
        self.is_busy = False
        self.is_closed = False
        self._start()

    def _start(self) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYTHONUTF8": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        environment.pop("PYTEST_ADDOPTS", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kata.runner.server", *["training"] * self.training],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # Ctrl-C at the terminal is for the near end only.
            start_new_session=CAN_FORK,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def call(self, call: Call, switch: _StopSwitch) -> Reply:
        self.number += 1
        request = {
            "number": self.number,
            "function": call.function,
            "arguments": dict(call.arguments),
            "limit": call.limit,
            "lasting": call.lasting,
        }
        started = time.monotonic()
        # The far end keeps the time limit if it can fork; one that cannot is ended from here.
        watchdog = threading.Timer(call.limit + (30 if CAN_FORK else 0), self.process.kill)
        watchdog.start()
        self.is_busy = True
        line: str | None = None
        try:
            with switch.on(begin=lambda: self._send(request), end=self._end_call):
                line = self._read()
        finally:
            self.is_busy = False
            watchdog.cancel()
            if line == "" and not self.is_closed:
                self._kill()
                self._start()
        if line:
            reply = json.loads(line)
            return Reply(reply.get("value"), reply.get("reason", ""), reply["seconds"])
        if self.is_closed:
            raise CallStopped
        seconds = time.monotonic() - started
        return Reply(reason=ended(seconds >= call.limit, call.limit), seconds=seconds)

    def close(self) -> None:
        self.is_closed = True
        if self.is_busy:  # the far end ends its fork when its input ends
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                assert self.process.stdin is not None
                self.process.stdin.close()
                self.process.wait(timeout=1)
        self._kill()

    def _end_call(self) -> None:
        if CAN_FORK:
            self._send({"stop": self.number})
        else:
            self.process.kill()

    def _send(self, message: dict[str, object]) -> None:
        """Send a message; if the process is gone, reading from it says so."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def _read(self) -> str:
        """Read a reply; "" if the process is gone."""
        assert self.process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            return self.process.stdout.readline()
        return ""

    def _kill(self) -> None:
        self.process.kill()
        self.process.wait()
