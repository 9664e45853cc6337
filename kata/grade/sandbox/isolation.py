"""How a job is confined: what its worker gives up, and how its processes are watched and ended."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform == "linux"
NEW_USER, NEW_PID, NEW_IPC, NEW_MOUNTS = 0x10000000, 0x20000000, 0x08000000, 0x00020000
NO_SETUID, NO_DEVICES, NO_EXECUTION = 2, 4, 8
NO_NEW_PRIVILEGES, CHILD_SUBREAPER, DROP_FROM_BOUNDING_SET = 38, 36, 24
MEGABYTE = 1 << 20
BOX = Path("/box")
"""Where a job's own files lie under bubblewrap, in memory."""
PASSED_ON = frozenset(os.environ)
"""The variables that this process was started with, before libraries set more of their own."""
TICK = 0.02
"""Seconds between two looks at a job's processes."""


@dataclass(frozen=True)
class Limits:
    """What one job may use. cpu, wall: seconds; memory, disk, output, answers: bytes."""

    cpu: float = 10.0
    wall: float = 30.0
    memory: int = 2048 * MEGABYTE
    processes: int = 64
    disk: int = 64 * MEGABYTE
    output: int = MEGABYTE
    answers: int = 32 * MEGABYTE


def separate_children() -> None:
    """Put later children into user, process and IPC namespaces of their own, as pid 1 and up."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", NEW_USER | NEW_PID | NEW_IPC)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def adopt_orphans() -> None:
    """Become the parent of daemons among the descendants, so that they are found; Linux only."""
    if LINUX:
        _call("prctl", CHILD_SUBREAPER, 1, 0, 0, 0)


def private_mounts(folder: Path, size: int) -> None:
    """Mount an empty folder in memory, of at most `size` bytes, and hide /proc."""
    _call("unshare", NEW_MOUNTS)
    flags = NO_SETUID | NO_DEVICES
    _call("mount", b"box", str(folder).encode(), b"tmpfs", flags, f"size={size}".encode())
    _call("mount", b"none", b"/proc", b"tmpfs", flags | NO_EXECUTION | 1, b"size=4096")


def drop_privileges() -> None:
    """Drop every capability, and bar executed files from regaining one; Linux only."""
    for capability in range(64):
        with contextlib.suppress(OSError):
            _call("prctl", DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)
    _call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def set_limits(limits: Limits, own_users: bool) -> None:
    """Set the system's limits on this process and its children.

    own_users: whether it is in a user namespace of its own, so that counting processes by user
    counts only its own. Memory is limited beyond what is mapped already: builds of torch with CUDA
    map many gigabytes.
    """
    import resource

    def limit(name: str, value: int) -> None:
        kind = getattr(resource, name, None)
        if kind is not None:
            with contextlib.suppress(ValueError, OSError):  # macOS refuses some
                hard = resource.getrlimit(kind)[1]
                new = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(kind, (new, new))

    limit("RLIMIT_CPU", int(limits.cpu) + 2)
    limit("RLIMIT_FSIZE", limits.disk)
    limit("RLIMIT_NOFILE", 64)
    limit("RLIMIT_CORE", 0)
    if LINUX:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit("RLIMIT_AS", pages * resource.getpagesize() + limits.memory)
        Path("/proc/self/oom_score_adj").write_text("1000")
    if own_users:
        limit("RLIMIT_NPROC", limits.processes)


def close_other_files(answers: int, seed: int, output: int) -> tuple[int, int]:
    """Close all files but the output, `answers` and `seed`; return the new numbers of those two."""
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate((answers, seed, output))]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(high[2], 1)
    os.dup2(high[2], 2)
    os.dup2(high[0], 3)
    os.dup2(high[1], 4)
    os.closerange(5, 65536)
    return 3, 4


def default_signals() -> None:
    """Remove the signal handlers that the parent set."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


class JobProcesses:
    """The worker of a job and all processes that it started, as the supervisor sees them.

    strict: whether they have a process namespace of their own; worker: set when it is forked.
    """

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.ours = set(_processes()) if strict else set()
        self.worker = 0
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


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library; raise OSError if it fails."""
    if getattr(_library(), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
