"""The warm runner: processes that have imported torch, pytest and hypothesis once, and call functions again and again.

This is the near end. Each call is made in a fork of its own, see `kata.runner.server`; a process that
hangs or dies is replaced.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from kata.runner.outcomes import Call, CallReply, PytestJob, RunResult
from kata.runner.server import CAN_FORK, STOPPED, ended


class WarmRunner:
    """Runs jobs in `workers` warm processes at a time. Use as a context manager; the processes end with it.

    training: whether they are warm for optimisers too, which takes them seconds more to start.
    """

    def __init__(self, folder: Path, workers: int | None = None, training: bool = True) -> None:
        self.folder = folder
        self.workers = workers or os.cpu_count() or 1
        self.training = training
        self._servers: list[_Server] = []
        self._idle: SimpleQueue[_Server] = SimpleQueue()

    def __enter__(self) -> "WarmRunner":
        self._servers = [_Server(self.folder, self.training) for _ in range(self.workers)]
        for server in self._servers:
            self._idle.put(server)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.close()

    def run(self, job: PytestJob) -> RunResult:
        """Run one job, waiting for a process that is free."""
        arguments = {"arguments": job.arguments, "test_limit": job.test_limit}
        reply = self.call(Call("kata.runner.server:run_pytest", arguments, job.limit))
        if reply.reason:
            return RunResult(seconds=reply.seconds, reason=reply.reason)
        return RunResult.from_dict(reply.value)

    def call(self, call: Call) -> CallReply:
        """Call a function, waiting for a process that is free."""
        server = self._idle.get()
        try:
            return server.call(call)
        finally:
            self._idle.put(server)

    def run_all(self, jobs: Iterable[PytestJob]) -> Iterator[RunResult]:
        """Run jobs side by side; the results come in the order of the jobs."""
        pool = ThreadPoolExecutor(self.workers)
        try:
            yield from pool.map(self.run, jobs)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self.stop()

    def stop(self) -> None:
        """End what runs at the moment; its reason is then STOPPED. May be called from another thread."""
        for server in self._servers:
            server.stop()


class _Server:
    """The near end of one warm process: a call is a line of JSON to it, a reply a line of JSON back."""

    def __init__(self, folder: Path, training: bool) -> None:
        self.folder = folder
        self.training = training
        self.number = 0
        self.running = 0
        self.closed = False
        self.lock = threading.Lock()
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
            # Ctrl-C at the terminal is for the near end alone.
            start_new_session=CAN_FORK,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def call(self, call: Call) -> CallReply:
        started = time.monotonic()
        # The far end keeps the time limit where it can fork; one that cannot is ended from here.
        watchdog = threading.Timer(call.limit + (30 if CAN_FORK else 0), self.process.kill)
        watchdog.start()
        with self.lock:
            self.number += 1
            self.running = self.number
        request = {
            "number": self.number,
            "function": call.function,
            "arguments": dict(call.arguments),
            "limit": call.limit,
            "lasting": call.lasting,
        }
        line = ""
        try:
            self._send(request)
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
        except (OSError, ValueError):
            pass  # the process is gone
        finally:
            watchdog.cancel()
            with self.lock:
                stopped, self.running = self.running == 0, 0
        if line:
            reply = json.loads(line)
            return CallReply(reply.get("value"), reply.get("reason", ""), reply["seconds"])
        seconds = time.monotonic() - started
        is_wanted = self.closed or stopped
        reason = STOPPED if is_wanted else ended(seconds >= call.limit, call.limit)
        if not self.closed:
            self._kill()
            self._start()
        return CallReply(reason=reason, seconds=seconds)

    def stop(self) -> None:
        """End the call that runs, if any."""
        with self.lock:
            running, self.running = self.running, 0
        if not running:
            return
        if CAN_FORK:
            with contextlib.suppress(OSError, ValueError):
                self._send({"stop": running})
        else:
            self.process.kill()

    def close(self) -> None:
        self.closed = True
        if self.running:  # the far end ends its fork when its input ends
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                assert self.process.stdin is not None
                self.process.stdin.close()
                self.process.wait(timeout=1)
        self._kill()

    def _kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _send(self, message: dict[str, object]) -> None:
        assert self.process.stdin is not None
        with self.lock:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
