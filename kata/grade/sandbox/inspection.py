"""What submitted code could do in a sandbox: tried out from inside, and reported as numbers."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from kata.criteria.questions import Answer
from kata.grade.sandbox.isolation import PASSED_ON


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
