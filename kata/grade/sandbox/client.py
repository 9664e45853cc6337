"""The grader's side of the sandboxes: start their servers, send them jobs, receive bytes."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from kata.course.steps import Step
from kata.criteria.answers import Decoded, decode
from kata.grade.sandbox.bubblewrap import (
    ENVIRONMENT,
    NEEDS,
    IsolationError,
    bubblewrap,
    server_program,
)
from kata.grade.sandbox.cgroups import ControlGroup, group_of
from kata.grade.sandbox.isolation import FILTER, Limits
from kata.grade.sandbox.server import ASK_FOR_SEED, receive, send
from kata.grade.sandbox.syscalls import compiled_filter
from kata.grade.sandbox.view import view_of_course

STARTING, GRACE = 180.0, 30.0
PAUSES = (0.1, 1.0, 3.0)
"""Seconds before a job is tried again because its sandbox failed."""
FAILURES = (OSError, EOFError, RuntimeError)
"""How it shows that a sandbox ended, or that a loaded machine gives no process or thread more."""
ENDED = {
    "": "",
    "died": "the interpreter itself ended: look for an exit call or a crash",
    "time": "it was ended at its time limit: look for a loop that does not end",
    "memory": "it was ended at its memory limit",
    "processes": "it was ended because it started too many processes",
    "output": "it was ended because it printed without end",
    "answers": "it was ended because its answers were too large",
}


class SandboxError(Exception):
    """A sandbox failed, by itself or by what it ran: the grader's failure, never a score."""


class SandboxStartError(SandboxError):
    """A sandbox ended before it was ready."""


@dataclass(frozen=True)
class SandboxJob:
    """The questions of one step, to be answered by submitted files.

    files: bytes by path, below `exercises/` or `solutions/`; inspection: what layers.py wants tried
    instead.
    """

    step: Step
    files: Mapping[str, bytes]
    assembled: bool = False
    limits: Limits = field(default_factory=Limits)
    inspection: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SandboxReply:
    """The reply to a job.

    ended: why it was ended, or ""; left: how many processes still run; processor: the seconds that
    its control group counted, 0 if it has none.
    """

    decoded: Decoded
    ended: str
    seconds: float
    left: int = 0
    processor: float = 0.0


class Sandboxes:
    """`workers` sandboxes, each running one job at a time. A context manager; nothing outlives it.

    isolation: "strict" or "process"; hidden: folders that nothing in them may see.
    """

    def __init__(
        self, root: Path, isolation: str, hidden: tuple[Path, ...] = (), workers: int | None = None
    ) -> None:
        self.root, self.isolation, self.hidden = root, isolation, hidden
        self.workers = workers or _cores()
        self._idle: SimpleQueue[_Sandbox] = SimpleQueue()
        self._files = ExitStack()
        self._all: list[_Sandbox] = []

    def __enter__(self) -> "Sandboxes":
        view = self._files.enter_context(view_of_course(self.root))
        try:
            command = self._command(view)
        except BaseException:
            self._files.close()
            raise
        self._all = [_Sandbox(command) for _ in range(self.workers)]
        for sandbox in self._all:
            self._idle.put(sandbox)
        return self

    def __exit__(self, *error: object) -> None:
        for sandbox in self._all:
            sandbox.close()
        self._files.close()

    def run(self, job: SandboxJob, seed: int) -> SandboxReply:
        """Run a job in a free sandbox, and in fresh ones if that one fails, three times at most.

        Raise SandboxError if all fail, and IsolationError if none even starts.
        """
        failures = []
        with self._one() as sandbox:
            for pause in (*PAUSES, 0.0):
                try:
                    return sandbox.run(job, seed)
                except SandboxError as error:
                    sandbox.close()
                    failures.append(error)
                    time.sleep(pause)
        if all(isinstance(error, SandboxStartError) for error in failures):
            raise IsolationError(
                f"No sandbox starts here ({failures[-1]}): {NEEDS[self.isolation]}."
            )
        raise failures[-1]

    @contextmanager
    def _one(self) -> Iterator["_Sandbox"]:
        sandbox = self._idle.get()
        try:
            yield sandbox
        finally:
            self._idle.put(sandbox)

    def _command(self, view: Path) -> list[str]:
        if self.isolation == "strict":
            (view / FILTER.name).write_bytes(compiled_filter())
            return bubblewrap(self.root, view, self.hidden)
        kind = "process" if hasattr(os, "fork") else "once"
        return [sys.executable, "-I", "-B", "-c", server_program(view), kind]


class _Sandbox:
    """One sandbox. Its server is started when it is first needed."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self._errors: Any = None
        self._group: ControlGroup | None = None

    def run(self, job: SandboxJob, seed: int) -> SandboxReply:
        process = self.process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(job.limits.wall + GRACE, process.kill)
        try:
            watchdog.start()
            watch = self._group.watch(job.limits) if self._group else None
            send(process.stdin.fileno(), _packed(job))
            message = receive(process.stdout.fileno())
            if message == ASK_FOR_SEED:
                send(process.stdin.fileno(), str(seed).encode())
                message = receive(process.stdout.fileno())
            end = json.loads(message)
            blob = receive(process.stdout.fileno(), cap=job.limits.answers + 1)
            ended = end["ended"]
            if watch and ended in ("", "died"):
                ended = watch.over() or ended
            used = watch.used() if watch else 0.0
            if self.command[-1] == "once":
                self.close()
            seconds, left = float(end["seconds"]), int(end["left"])
            return SandboxReply(decode(blob), ENDED[ended], seconds, left, used)
        except (*FAILURES, ValueError, KeyError, TypeError, AttributeError) as error:
            timed_out = not watchdog.is_alive()
            # Under strict isolation no submission can write to this stream.
            words = self._last_words() if self.command[-1] == "strict" else ""
            self.close()
            if timed_out and self.command[-1] == "once":
                return SandboxReply(Decoded(), ENDED["time"], job.limits.wall)
            why = words or f"{type(error).__name__}: {error}"
            raise SandboxError(f"the sandbox ended by itself: {why}") from None
        finally:
            watchdog.cancel()

    def close(self) -> None:
        """End the server and all that runs in it."""
        if self.process is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()  # a running supervisor ends its worker when the stream ends
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
            self._errors.close()
            self.process = None
            if self._group is not None:
                self._group.remove()
                self._group = None

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        environment = {"PATH": "/usr/bin:/bin", **ENVIRONMENT}
        if sys.platform == "win32":
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        try:
            self.process = subprocess.Popen(
                self.command,
                cwd="/" if os.name == "posix" else None,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=os.name == "posix",
            )
            assert self.process.stdout is not None
            watchdog = threading.Timer(STARTING, self.process.kill)
            watchdog.start()
            try:
                receive(self.process.stdout.fileno())
            finally:
                watchdog.cancel()
            self._group = group_of(self.process.pid)
        except FAILURES as error:
            why = self._last_words() or f"{type(error).__name__}: {error}"
            self.close()
            raise SandboxStartError(why) from None
        return self.process

    def _last_words(self) -> str:
        """The last line that a server wrote to its error stream; "" if it wrote none."""
        self._errors.seek(0)
        words = self._errors.read(1 << 20).decode("utf-8", "replace").strip().splitlines()
        return words[-1] if words else ""


def _cores() -> int:
    """The number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _packed(job: SandboxJob) -> bytes:
    return json.dumps(
        {
            "step": job.step.number,
            "assembled": job.assembled,
            "files": {k: base64.b64encode(v).decode("ascii") for k, v in job.files.items()},
            "limits": asdict(job.limits),
            "inspection": job.inspection,
        }
    ).encode()
