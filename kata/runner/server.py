"""The far end of the warm runner: a process that has imported torch, pytest and hypothesis, and
calls functions.

A request is a line of JSON on the standard input: a number, a function by name, its arguments, a
limit in seconds, and whether it is lasting; or `stop` with the number of a call to end. A reply is
a line of JSON on the standard output. Each call that is not lasting is made in a fork: it shares
the imports, and nothing of what other calls did. On systems without fork, calls are made one after
another in this process, which unloads the steps in between.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kata.course.loader import unload
from kata.runner.outcomes import CAN_FORK, ended

FILE_LIMIT = 16 << 20
"""Bytes that a forked call may write to one file, its captured prints included."""


def serve_calls() -> None:
    """Serve until the standard input ends. Argument: `training`, to warm up for training as
    well.
    """
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warm_up()
    if "training" in sys.argv[1:]:
        warm_up_training()
        forget()
    silence()
    requests = _Requests()
    while (request := requests.next()) is not None:
        if "stop" in request:
            continue  # that call has ended by itself
        if request["lasting"] or not CAN_FORK:
            reply = _called(request)
            forget()
        else:
            reply = _in_a_fork(request, requests)
        replies.write(json.dumps({"number": request["number"], **reply}) + "\n")
        replies.flush()
    os._exit(0)  # at once, without what torch and its friends say on leaving


def warm_up() -> None:
    """Import what every run of the tests needs, set torch to one thread, and collect tests once."""
    import hypothesis
    import torch
    from hypothesis import strategies

    import kata.given  # noqa: F401
    from kata.runner.pytest_run import run_pytest

    @hypothesis.given(strategies.integers(0, 2**31 - 1))
    def draw(seed: int) -> None:
        torch.randn(3, generator=torch.Generator().manual_seed(seed))

    torch.set_num_threads(1)
    run_pytest(["--collect-only", "tests/test_step01_embeddings.py"])
    draw()
    for name in [n for n in sys.modules if n.partition(".")[0] == "tests"]:
        del sys.modules[name]
    forget()


def warm_up_training() -> None:
    """Take one step of an optimiser: the first one imports for seconds, which only some steps
    need.
    """
    import torch

    layer = torch.nn.Linear(2, 2)
    layer(torch.ones(1, 2)).sum().backward()
    torch.optim.AdamW(layer.parameters()).step()


def forget() -> None:
    """Unload the steps, restore torch's defaults, and exempt what is left from garbage
    collection.
    """
    import torch

    unload()
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    if CAN_FORK:
        gc.collect()
        gc.freeze()


def silence() -> None:
    """Discard what is written to the standard streams."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


class _Requests:
    """The lines of the standard input, read unbuffered, so that a wait for the next can have a
    limit.
    """

    def __init__(self) -> None:
        self.rest = b""
        self.lines: list[bytes] = []

    def next(self) -> dict[str, Any] | None:
        """Return the next request, or None at the end of the input."""
        while not self.lines:
            if not self._read():
                return None
        line: dict[str, Any] = json.loads(self.lines.pop(0))
        return line

    def stopped(self, number: int, seconds: float) -> bool:
        """Wait so many seconds; return whether to end that call, by request or because the input
        ended.
        """
        import select

        if not select.select([0], [], [], seconds)[0]:
            return False
        if not self._read():
            return True
        stops = [line for line in self.lines if json.loads(line).get("stop") == number]
        self.lines = [line for line in self.lines if line not in stops]
        return bool(stops)

    def _read(self) -> bool:
        piece = os.read(0, 1 << 16)
        *lines, self.rest = (self.rest + piece).split(b"\n")
        self.lines += lines
        return bool(piece)


def _in_a_fork(request: dict[str, Any], requests: _Requests) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="kata-") as folder:
        report = Path(folder) / "reply.json"
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _child(request, report)
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            late = time.monotonic() - started > request["limit"]
            if late or requests.stopped(request["number"], 0.005):
                _end(child)
                reason = ended(True, request["limit"]) if late else "stopped"
                return {"reason": reason, "seconds": time.monotonic() - started}
        if not report.exists():
            return {"reason": ended(False), "seconds": time.monotonic() - started}
        reply: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return reply


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _child(request: dict[str, Any], report: Path) -> None:
    """Make the call, write its reply, and end the process with all that the call left behind."""
    try:
        import resource

        os.setsid()
        os.dup2(1, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
        unfinished = report.with_suffix(".part")
        unfinished.write_text(json.dumps(_called(request)), encoding="utf-8")
        unfinished.rename(report)
    finally:
        os._exit(0)


def _called(request: dict[str, Any]) -> dict[str, Any]:
    """Call the function. If it raises anything, that is the reason for having no value."""
    started = time.monotonic()
    module, _, name = request["function"].partition(":")
    try:
        value = getattr(importlib.import_module(module), name)(**request["arguments"])
    except BaseException as error:
        return {
            "reason": f"{name} failed: {type(error).__name__}: {error}",
            "seconds": time.monotonic() - started,
        }
    return {"value": value, "seconds": time.monotonic() - started}


if __name__ == "__main__":
    serve_calls()
