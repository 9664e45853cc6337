"""What a process does to itself before it runs a stranger's code: namespaces, limits, nothing inherited."""

import contextlib
import ctypes
import os
import signal
import sys
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
    """Put the children to come into user, process and IPC namespaces of their own; the first is their pid 1."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", NEW_USER | NEW_PID | NEW_IPC)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def adopt_orphans() -> None:
    """Become the parent of daemons among the descendants, so that they can be found and ended; Linux only."""
    if LINUX:
        _call("prctl", CHILD_SUBREAPER, 1, 0, 0, 0)


def private_mounts(folder: Path, size: int) -> None:
    """An empty folder in memory of at most `size` bytes, in this process and its children alone, and no /proc."""
    _call("unshare", NEW_MOUNTS)
    flags = NO_SETUID | NO_DEVICES
    _call("mount", b"box", str(folder).encode(), b"tmpfs", flags, f"size={size}".encode())
    _call("mount", b"none", b"/proc", b"tmpfs", flags | NO_EXECUTION | 1, b"size=4096")


def give_up_privileges() -> None:
    """No capability in any set, none to be had by executing a file; Linux only."""
    for capability in range(64):
        with contextlib.suppress(OSError):
            _call("prctl", DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)
    _call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def set_limits(limits: Limits, own_users: bool) -> None:
    """Limits of the system on this process and its children.

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


def only_these_handles(answers: int, secrets: int, output: int) -> tuple[int, int]:
    """Close every file but three: answers and secrets, which become 3 and 4, and the output; returns (3, 4)."""
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate((answers, secrets, output))]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(high[2], 1)
    os.dup2(high[2], 2)
    os.dup2(high[0], 3)
    os.dup2(high[1], 4)
    os.closerange(5, 65536)
    return 3, 4


def default_signals() -> None:
    """Let no handler of the parent's stand."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def _call(name: str, *arguments: object) -> None:
    """A function of the C library; OSError where it fails."""
    if getattr(_library(), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
