"""The far end of the warm runner: a process that has imported torch, pytest and hypothesis, and calls functions.

A request is a line of JSON on the standard input: a number, a function by name, its arguments, a limit in
seconds, and whether it is lasting; or `stop` with a number, which ends that call. A reply is a line of JSON on
the standard output. Each call that is not lasting is made in a fork, which shares what was imported and
nothing that a call did. Where there is no fork, calls are made one after another in this process, which
forgets the steps in between.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from kata.course.files import shown
from kata.course.loader import unload
from kata.runner.outcomes import Outcome, RunResult

CAN_FORK = hasattr(os, "fork")
STOPPED = "stopped"
FILE_LIMIT = 16 << 20
"""Bytes that a forked call may write to one file, its captured prints included."""


def serve_calls() -> None:
    """Serve until the standard input ends. Argument: `training`, to warm up for that as well."""
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
    """Import what every run of the tests needs, on one thread, and collect tests once."""
    import hypothesis
    import torch
    from hypothesis import strategies

    import kata.given  # noqa: F401
    from kata.runner.server import run_pytest

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
    """Let torch import what it imports at the first step of an optimiser: seconds, for some of the steps alone."""
    import torch

    layer = torch.nn.Linear(2, 2)
    layer(torch.ones(1, 2)).sum().backward()
    torch.optim.AdamW(layer.parameters()).step()


def forget() -> None:
    """Unload the steps, undo what a step may have switched off, and keep the rest out of the collector's way."""
    import torch

    unload()
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    if CAN_FORK:
        gc.collect()
        gc.freeze()


def silence() -> None:
    """Send what is written to the standard streams nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


class _Requests:
    """The lines of the standard input, unbuffered, so that one can wait for the next with a limit."""

    def __init__(self) -> None:
        self.rest = b""
        self.lines: list[bytes] = []

    def next(self) -> dict[str, Any] | None:
        """The next request; None at the end."""
        while not self.lines:
            if not self._read():
                return None
        line: dict[str, Any] = json.loads(self.lines.pop(0))
        return line

    def stopped(self, number: int, seconds: float) -> bool:
        """Whether, within so many seconds, that call is to end, because it is said so or nobody listens any more."""
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
                reason = ended(True, request["limit"]) if late else STOPPED
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
    """Never returns: what a call leaves behind ends with its process."""
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
    """Call what is asked for. An error of the function itself is a reason; what it calls may raise anything."""
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


def ended(too_late: bool, limit: float = 0.0) -> str:
    """Why a call did not come back."""
    if too_late:
        return f"ended after its limit of {limit:g} s: look for a loop that does not end"
    return "the interpreter itself ended: look for an exit call or a crash"


if __name__ == "__main__":
    serve_calls()


OUTPUT_KEPT = 20_000
PRINTED_KEPT = 2_000
OPTIONS = (
    *("-q", "-c", "pyproject.toml"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:logging"),
    *("-p", "no:unraisableexception", "-p", "no:threadexception"),
    *("-W", "ignore:Module already imported"),
    "--show-capture=no",
)
HAS_ALARMS = hasattr(signal, "setitimer")


def run_pytest(arguments: Sequence[str], test_limit: float | None = None) -> dict[str, Any]:
    """Run pytest with these arguments; a Result as plain data."""
    started = time.monotonic()
    collector = _Collector(test_limit if HAS_ALARMS else None)
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main([*OPTIONS, *arguments], plugins=[collector])
    seconds = time.monotonic() - started
    text = output.getvalue()[-OUTPUT_KEPT:]
    return RunResult(tuple(collector.outcomes), int(code), seconds, "", text).to_dict()


class TimeLimit(BaseException):
    """A test took too long. No Exception, so that neither the code under test nor hypothesis goes on after it."""


class _Collector:
    """A pytest plugin that keeps the outcome of every test, and ends the run where one takes too long."""

    def __init__(self, test_limit: float | None) -> None:
        self.test_limit = test_limit
        self.outcomes: list[Outcome] = []
        self.errors: dict[str, tuple[str, str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        if self.test_limit is None:
            yield
            return
        before = signal.signal(signal.SIGPROF, self._too_late)
        signal.setitimer(signal.ITIMER_PROF, self.test_limit, 0.5)
        try:
            yield
        except TimeLimit:
            item.session.shouldstop = "a test took too long"
            raise
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _too_late(self, *_: object) -> NoReturn:
        raise TimeLimit(f"did not come back within {self.test_limit:g} s")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        if call.excinfo is not None:
            error = call.excinfo
            place = _last_place(error, _files_under_test(item.config))
            self.errors[item.nodeid] = (error.type.__name__, str(error.value), place)
        report = yield
        report.sections = [(title, text[-PRINTED_KEPT:]) for title, text in report.sections]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            error, message, place = self.errors.get(report.nodeid, ("", "", ""))
            name = report.nodeid.partition("::")[2]
            printed = report.capstdout if report.outcome == "failed" else ""
            self.outcomes.append(Outcome(name, report.outcome, error, message, place, printed))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes.append(
                Outcome(report.nodeid, "failed", "CollectError", str(report.longrepr))
            )


def _files_under_test(config: pytest.Config) -> set[str]:
    from kata.runner.plugin import IMPLEMENTATION

    implementation = config.stash[IMPLEMENTATION]
    return {str(files[-1]) for files in implementation.files.values()}


def _last_place(error: pytest.ExceptionInfo[BaseException], files: set[str]) -> str:
    """`path:line`, the last line of a file under test in an error's traceback."""
    for entry in reversed(error.traceback):
        if str(entry.path) in files:
            return f"{shown(Path(entry.path))}:{entry.lineno + 1}"
    return ""
