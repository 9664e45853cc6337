"""How a job is confined: what its worker gives up before it runs submitted code."""

import contextlib
import ctypes
import errno
import os
import platform
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LINUX = sys.platform == "linux"
NEW_USER, NEW_PID, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
NEW_IPC, NEW_MOUNTS = 0x08000000, 0x00020000
READ_ONLY, NO_SETUID, NO_DEVICES, NO_EXECUTION, REMOUNT, BIND = 1, 2, 4, 8, 32, 4096
NO_NEW_PRIVILEGES, CHILD_SUBREAPER, DROP_FROM_BOUNDING_SET = 38, 36, 24
SECCOMP, FILTER_MODE = 22, 2
SET_INTERFACE_FLAGS, UP = 0x8914, 1
KEYCTL = 250 if platform.machine() == "x86_64" else 219
JOIN_SESSION_KEYRING = 1
MEGABYTE = 1 << 20
BOX = Path("/box")
"""Where a job's own files lie under bubblewrap, in memory."""
VIEW = Path("/course")
"""Where the questions lie under bubblewrap."""
DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))
FILTER = VIEW / "system-calls"
"""The compiled filter of system calls (syscalls.py)."""
PASSED_ON = frozenset(os.environ)
"""The variables that this process was started with, before libraries set more of their own."""
TICK = 0.02
"""Seconds between two looks at a job's processes."""
SHORTAGES = {errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EUSERS, errno.EDQUOT}
"""Errors that pass when other jobs have ended: too many processes, namespaces, keys."""
PATIENCE = 3.0
"""Seconds for which a shortage is waited out."""


@dataclass(frozen=True)
class Limits:
    """What one job may use. cpu, wall: seconds; memory, disk, output, answers: bytes."""

    cpu: float = 10.0
    wall: float = 30.0
    memory: int = 2048 * MEGABYTE
    processes: int = 32
    disk: int = 64 * MEGABYTE
    output: int = MEGABYTE
    answers: int = 32 * MEGABYTE


def patiently(act: Callable[[], int]) -> int:
    """Return what a call to the system returns; try again while the system is short of something.

    Raise its OSError for any other reason, and after PATIENCE seconds.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except OSError as error:
            if error.errno not in SHORTAGES or time.monotonic() > end:
                raise
        time.sleep(TICK)


def separate_children() -> None:
    """Put later children into user, process, IPC and network namespaces of their own."""
    user, group = os.getuid(), os.getgid()
    patiently(lambda: _call("unshare", NEW_USER | NEW_PID | NEW_IPC | NEW_NETWORK))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_INTERFACE_FLAGS, struct.pack("16sH22x", b"lo", UP))


def leave_mark() -> None:
    """Listen at a name that is known in this process's network alone; Linux only."""
    global _mark
    if LINUX:
        _mark = f"\0kata-{os.getpid()}"
        server = socket.socket(socket.AF_UNIX)
        server.bind(_mark)
        server.listen()
        server.detach()  # open as long as this process runs


def see_mark() -> None:
    """Raise OSError if this process has another network than the one that left a mark."""
    if LINUX:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(_mark)


_mark = ""


def adopt_orphans() -> None:
    """Become the parent of daemons among the descendants, so that they are found; Linux only."""
    if LINUX:
        _call("prctl", CHILD_SUBREAPER, 1, 0, 0, 0)


def confine(folder: Path, disk: int) -> None:
    """Give this process files and keys of its own, no privileges, and the filter of system calls.

    folder: where it may write `disk` bytes, in memory. None of it can be undone.
    """
    private_mounts(folder, disk)
    own_session_keyring()
    drop_privileges()
    filter_system_calls(FILTER.read_bytes())


def private_mounts(folder: Path, size: int) -> None:
    """Mount empty folders in memory, of at most `size` bytes each; freeze /dev and hide /proc.

    The folders are `folder` and /dev/shm, which the locks of multiprocessing need.
    """
    patiently(lambda: _call("unshare", NEW_MOUNTS))
    flags = NO_SETUID | NO_DEVICES
    limit = f"size={size}".encode()
    _call("mount", b"box", str(folder).encode(), b"tmpfs", flags, limit)
    _call("mount", b"shm", b"/dev/shm", b"tmpfs", flags | NO_EXECUTION, limit)
    _call("mount", b"none", b"/proc", b"tmpfs", flags | NO_EXECUTION | READ_ONLY, b"size=4096")
    for device in DEVICES:  # they are the machine's: to be read and written, not to be changed
        kept = os.statvfs(device).f_flag & (NO_SETUID | NO_EXECUTION)
        _call("mount", None, device.encode(), None, REMOUNT | BIND | READ_ONLY | kept, None)


def own_session_keyring() -> None:
    """Leave the session's keyring for a new one without a name; nothing on a kernel without any."""
    try:
        patiently(lambda: _call("syscall", KEYCTL, JOIN_SESSION_KEYRING, None))
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise


def filter_system_calls(program: bytes) -> None:
    """Bar this process and all its children from every system call that the program refuses."""
    instructions = ctypes.create_string_buffer(program, len(program))
    pointer = ctypes.cast(instructions, ctypes.c_void_p)
    _call("prctl", SECCOMP, FILTER_MODE, ctypes.byref(_Program(len(program) // 8, pointer)))


class _Program(ctypes.Structure):
    """The kernel's `sock_fprog`: how many instructions, of 8 bytes each, and where they are."""

    _fields_ = (("count", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


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
        limit("RLIMIT_NPROC", 2 * limits.processes)  # at the limit itself the job is ended


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


def _call(name: str, *arguments: object) -> int:
    """Call a function of the C library; raise OSError if it fails."""
    result: int = getattr(_library(), name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
