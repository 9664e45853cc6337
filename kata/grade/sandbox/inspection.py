"""What submitted code could do in a sandbox: tried out from inside, and reported as numbers."""

import contextlib
import ctypes
import errno
import os
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from kata.criteria.questions import Answer
from kata.grade.sandbox.isolation import DEVICES, KEYCTL, LINUX, PASSED_ON, see_mark

SESSION_KEYRING = -3
GENERIC, X86_64 = 0, 1
CALLS = {
    "keyctl": (219, 250),
    "bpf": (280, 321),
    "perf_event_open": (241, 298),
    "userfaultfd": (282, 323),
    "io_uring_setup": (425, 425),
    "memfd_create": (279, 319),
    "ptrace": (117, 101),
    "process_vm_readv": (270, 310),
    "unshare": (97, 272),
    "setns": (268, 308),
    "mount": (40, 165),
    "flock": (32, 73),
    "inotify_init1": (26, 294),
    "personality": (92, 135),
    "shmget": (194, 29),
}
"""Some of the system calls that none may make, with their numbers on ARM and on Intel and AMD."""


def inspect_layers(request: dict[str, Any]) -> Answer:
    """Try everything that a sandbox should prevent; return 1 for what worked, else 0.

    request: `secret`, paths to read; `outside`, folders to write to; `grader`, a process to signal,
    numbered in the namespace `processes`; `server`, host and port of something that listens;
    `memory`, the limit in bytes; `environment`, names of variables that must not have been passed
    on.
    """
    grader_in_reach = namespace_of_processes() == request["processes"]
    found = {
        "network": _tried(lambda: _connect(*request["server"])),
        "secrets": any(_tried(lambda p=path: _read(p)) for path in request["secret"]),
        "outside": any(_tried(lambda p=path: _write(p)) for path in request["outside"]),
        "grader": grader_in_reach and _tried(lambda: os.kill(request["grader"], 0)),
        "memory": _tried(lambda: torch.ones(2 * request["memory"] // 8, dtype=torch.float64)[0]),
        "environment": not PASSED_ON.isdisjoint(request["environment"])
        or (grader_in_reach and _tried(lambda: _read(f"/proc/{request['grader']}/environ"))),
        "handles": sum(_tried(lambda fd=fd: os.fstat(fd)) for fd in range(5, 64)) > 0,
        "daemon": _leave_a_daemon(),
        "neighbours": not LINUX or _tried(see_mark),
        "keyring": LINUX and _system_call(KEYCTL, 0, SESSION_KEYRING, 0) != errno.ENOSYS,
        "calls": not LINUX
        or any(_system_call(number, -1) != errno.ENOSYS for number in _numbers()),
        "devices": any(_tried(lambda p=path: _touch(p)) for path in DEVICES),
    }
    return Answer({name: torch.tensor(int(value)) for name, value in found.items()})


def namespace_of_processes() -> str:
    """Return the namespace that process numbers refer to; "" if the system has but one."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _tried(act: Any) -> bool:
    try:
        act()
    except BaseException:
        return False
    return True


def _connect(host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=1):
        pass


def _read(path: str) -> None:
    if Path(path).is_dir():
        assert any(Path(path).iterdir())
    else:
        Path(path).read_bytes()


def _write(folder: str) -> None:
    target = Path(folder) / f".kata-{os.getpid()}-{time.monotonic_ns()}"
    target.write_text("")
    target.unlink()


def _numbers() -> list[int]:
    kind = X86_64 if platform.machine() == "x86_64" else GENERIC
    return [numbers[kind] for numbers in CALLS.values()]


def _system_call(number: int, *arguments: int) -> int:
    """The error of a system call, 0 if it was made. With -1 for an argument none does harm."""
    library = ctypes.CDLL(None, use_errno=True)
    padded = [*arguments, *[0] * (6 - len(arguments))]
    result = library.syscall(*(ctypes.c_long(value) for value in (number, *padded)))
    return ctypes.get_errno() if result == -1 else 0


def _touch(path: str) -> None:
    """Set a file's mode to what it is."""
    os.chmod(path, os.stat(path).st_mode & 0o7777)


def _leave_a_daemon() -> bool:
    """Whether a process could leave its session; the supervisor tells if it was ended."""
    if not hasattr(os, "fork"):
        with contextlib.suppress(OSError):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"])
            return True
        return False
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    os.waitpid(child, 0)
    return True
