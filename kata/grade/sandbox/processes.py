"""The processes of a jail, seen by its keeper: how much they use, and how they are ended."""

import contextlib
import os
import signal
import time
from pathlib import Path

from kata.grade.sandbox import isolation as jail
from kata.grade.sandbox.isolation import Limits

TICK = 0.02
"""Seconds between two looks at them."""


class JobProcesses:
    """All processes that a jail started; strict: whether it has a process namespace of its own."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.ours = set(_processes()) if strict else set()
        self.first = 0
        self._status: int | None = None
        with contextlib.suppress(OSError):
            self.shared = _memory(os.getpid())[0]

    def status(self) -> int | None:
        """How the first process ended: its exit code, or minus its signal; None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.first, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def over(self, limits: Limits) -> str:
        """The limit that all of them together are over: "time", "memory" or "processes"; or ""."""
        cpu, memory, alive = 0.0, 0, 0
        for pid in self._all():
            with contextlib.suppress(OSError, IndexError):
                resident, own = _memory(pid)
                memory += max(own, resident - self.shared)
                cpu += _cpu(pid)
                alive += 1
        if cpu > limits.cpu:
            return "time"
        if memory > limits.memory:
            return "memory"
        return "processes" if alive > limits.processes else ""

    def end(self) -> int:
        """End them all; the number of those that still run afterwards."""
        for _ in range(100):
            if self.first and self._status is None:
                with contextlib.suppress(OSError):
                    os.killpg(self.first, signal.SIGKILL)
                _kill(self.first)
                with contextlib.suppress(ChildProcessError):
                    self._status = os.waitstatus_to_exitcode(os.waitpid(self.first, 0)[1])
            left = [pid for pid in self._all() if pid != self.first]
            for pid in left:
                _kill(pid)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if not left:
                return 0
            time.sleep(0.01)
        return len(left)

    def _all(self) -> list[int]:
        """All that run. Without namespaces, on systems without /proc, only the first is known."""
        if self.strict:
            return [pid for pid in _processes() if pid not in self.ours]
        if not jail.LINUX:
            return [self.first] if self._status is None else []
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


def _cpu(pid: int) -> float:
    """Seconds of processor that a process and its ended children used."""
    return sum(int(ticks) for ticks in _stat(pid)[11:15]) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> tuple[int, int]:
    """Bytes in memory, and those of them that come from no file."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    page = os.sysconf("SC_PAGE_SIZE")
    return int(fields[1]) * page, (int(fields[1]) - int(fields[2])) * page


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
