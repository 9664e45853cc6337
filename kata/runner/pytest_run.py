"""One run of pytest inside the warm process: every outcome is collected as plain data."""

import contextlib
import io
import signal
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pytest

from kata.course.files import pasted, shown
from kata.runner.outcomes import Outcome, PytestResult
from kata.runner.plugin import IMPLEMENTATION

OUTPUT_KEPT = 20_000
PRINTED_KEPT = 2_000
"""Characters that are kept of pytest's own output, and of what a failed test printed."""
OPTIONS = (
    *("-q", "-c", "pyproject.toml"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:logging"),
    *("-p", "no:debugging", "-p", "no:unraisableexception", "-p", "no:threadexception"),
    *("-W", "ignore:Module already imported"),
    "--show-capture=no",
)
HAS_ALARMS = hasattr(signal, "setitimer")


def run_pytest(arguments: Sequence[str], test_limit: float | None = None) -> dict[str, Any]:
    """Run pytest with these arguments and return a `PytestResult` as plain data."""
    started = time.monotonic()
    collector = _Collector(test_limit if HAS_ALARMS else None)
    output = io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
        mock.patch("sys.breakpointhook", _no_terminal),
        mock.patch("pdb.set_trace", _no_terminal),
    ):
        code = pytest.main([*OPTIONS, *arguments], plugins=[collector])
    seconds = time.monotonic() - started
    text = output.getvalue()[-OUTPUT_KEPT:]
    return PytestResult(tuple(collector.outcomes), int(code), seconds, "", text).to_dict()


class TimeLimit(BaseException):
    """A test took too long. Not an Exception: neither the learner's code nor hypothesis may
    catch it.
    """


class BreakpointReached(BaseException):
    """The step stops for a debugger. Not an Exception: see `TimeLimit`."""


def _no_terminal(*_: object, **__: object) -> NoReturn:
    raise BreakpointReached("breakpoint() needs a terminal: run the tests of this step by `pytest`")


class _Collector:
    """A pytest plugin that keeps the outcome of every test, and ends the run if one takes too
    long.
    """

    def __init__(self, test_limit: float | None) -> None:
        self.test_limit = test_limit
        self.outcomes: list[Outcome] = []
        self.errors: dict[str, tuple[str, str, str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        try:
            yield from self._within_limit(item)
        except BreakpointReached as error:
            command = f"pytest {pasted(item.path)} -x{item.config.stash[IMPLEMENTATION].options()}"
            error.args = (f"breakpoint() needs a terminal: run `{command}`.",)
            item.session.shouldstop = "a test reached a breakpoint"
            raise

    def _within_limit(self, item: pytest.Item) -> Generator[None, None, None]:
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
            files = _files_under_test(item.config)
            place = _last_place(error, files)
            called = _first_call(error, files) if place else ""
            self.errors[item.nodeid] = (error.type.__name__, str(error.value), place, called)
        report = yield
        report.sections = [(title, text[-PRINTED_KEPT:]) for title, text in report.sections]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            error, message, place, called = self.errors.get(report.nodeid, ("", "", "", ""))
            name = report.nodeid.partition("::")[2]
            printed = report.capstdout if report.outcome == "failed" else ""
            told = (error, message, place, printed, called)
            self.outcomes.append(Outcome(name, report.outcome, *told))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes.append(
                Outcome(report.nodeid, "failed", "CollectError", str(report.longrepr))
            )


def _files_under_test(config: pytest.Config) -> set[str]:
    implementation = config.stash[IMPLEMENTATION]
    return {str(files[-1]) for files in implementation.files.values()}


def _last_place(error: pytest.ExceptionInfo[BaseException], files: set[str]) -> str:
    """Return `path:line`, the last line of a file under test in an error's traceback, or ""."""
    for entry in reversed(error.traceback):
        if str(entry.path) in files:
            return f"{shown(Path(entry.path))}:{entry.lineno + 1}"
    return ""


def _first_call(error: pytest.ExceptionInfo[BaseException], files: set[str]) -> str:
    """Return the call by which a test came to a file under test: of a method as the traceback has
    it, of a function as it was noted; "" if neither is known.
    """
    from kata.testing.guard import call_of_method

    frames = (e.frame.raw for e in error.traceback if str(e.path) in files)
    noted = next(iter(getattr(error.value, "__notes__", ())), "")
    return call_of_method(next(frames)) or noted
