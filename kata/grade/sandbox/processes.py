"""The processes of a job, as its supervisor sees them: watched, counted and ended."""

import contextlib
import os
import signal
import time
from pathlib import Path

from kata.grade.sandbox.isolation import LINUX, Limits

COUNT = 0.1
"""Seconds between two counts of memory that go through all pages."""


class JobProcesses:
    """The worker of a job and all processes that it started, as the supervisor sees them.

    strict: whether they have a process namespace of their own; worker: set when it is forked.
    """

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.ours = set(_processes()) if strict else set()
        self.worker = 0
        self._next_count = 0.0
        self._seconds: dict[tuple[int, str], float] = {}
        self._status: int | None = None
        with contextlib.suppress(OSError):
            self.shared = _memory(os.getpid())[0]

    def status(self) -> int | None:
        """Return the worker's exit code, or minus the signal that ended it; None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.worker, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def over(self, limits: Limits) -> str:
        """Return the limit that they are over together: "time", "memory", "processes", or ""."""
        with_children, resident = 0.0, {}
        for pid in self._all():
            with contextlib.suppress(OSError, IndexError):
                own, children, started = _cpu(pid)
                self._seconds[pid, started] = own
                with_children += own + children
                resident[pid] = self._resident(pid)
        # A parent that ignores its children's end never gets their seconds.
        if max(with_children, sum(self._seconds.values())) > limits.cpu:
            return "time"
        if len(resident) > limits.processes:
            return "processes"
        if sum(resident.values()) > limits.memory and time.monotonic() > self._next_count:
            once = sum(_proportional(pid, otherwise=held) for pid, held in resident.items())
            if once > limits.memory:
                return "memory"
            self._next_count = time.monotonic() + COUNT
        return ""

    def end(self) -> int:
        """End them all; return how many still run afterwards."""
        for _ in range(100):
            if self.worker and self._status is None:
                with contextlib.suppress(OSError):
                    os.killpg(self.worker, signal.SIGKILL)
                _kill(self.worker)
                with contextlib.suppress(ChildProcessError):
                    self._status = os.waitstatus_to_exitcode(os.waitpid(self.worker, 0)[1])
            left = [pid for pid in self._all() if pid != self.worker]
            for pid in left:
                _kill(pid)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if not left:
                return 0
            time.sleep(0.01)
        return len(left)

    def _resident(self, pid: int) -> int:
        """Bytes that a process holds, beyond the libraries that all share."""
        resident, own = _memory(pid)
        return max(own, resident - self.shared)

    def _all(self) -> list[int]:
        """All that run; without namespaces and without /proc, the worker alone is known."""
        if self.strict:
            return [pid for pid in _processes() if pid not in self.ours]
        if not LINUX:
            return [self.worker] if self._status is None else []
        parents = {}
        for pid in _processes():
            with contextlib.suppress(OSError, IndexError):
                parents[pid] = int(_stat(pid)[1])
        family, added = {os.getpid()}, True
        while added:
            new = {pid for pid, parent in parents.items() if parent in family} - family
            family, added = family | new, bool(new)
        return sorted(family - {os.getpid()})


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def _cpu(pid: int) -> tuple[float, float, str]:
    """Seconds of processor of a process, those of its ended children, and when it was started."""
    fields, tick = _stat(pid), os.sysconf("SC_CLK_TCK")
    own, children = (sum(map(int, fields[i : i + 2])) / tick for i in (11, 13))
    return own, children, fields[19]


def _memory(pid: int) -> tuple[int, int]:
    """Bytes in memory, and those of them that come from no file."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    page = os.sysconf("SC_PAGE_SIZE")
    return int(fields[1]) * page, (int(fields[1]) - int(fields[2])) * page


def _proportional(pid: int, otherwise: int) -> int:
    """Bytes that come from no file, each page divided among the processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError:
        return otherwise
    except OSError:  # it has ended meanwhile
        return 0
    sizes = dict(line.split()[:2] for line in lines[1:])
    parts = [sizes.get(f"Pss_{kind}:") for kind in ("Anon", "Shmem")]
    return sum(1024 * int(part) for part in parts if part) if all(parts) else otherwise


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
