"""The thread of `kata watch` that runs tests and asks for diagnoses; a newer task ends an older one."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from rich.console import Console

from kata.course.files import shown
from kata.course.loader import StepError
from kata.course.steps import Step
from kata.learn.board import show_board
from kata.learn.check import demand_file, say_next, say_what_is_missing, worth_examining
from kata.learn.examine import Finding, absent, examine, known_mistakes, prepare
from kata.learn.hints import give_hint
from kata.learn.keys import Keys
from kata.learn.messages import say_finding, say_heading, say_result
from kata.learn.workspace import Workspace
from kata.runner.client import STOPPED, WarmRunner
from kata.runner.outcomes import Call, RunResult


@dataclass(frozen=True)
class News:
    """What became known: a step's result; or, later, its diagnosis; `all_run` where every step was run; or an error."""

    step: Step | None = None
    result: RunResult | None = None
    finding: Finding | None = None
    all_run: bool = False
    error: str = ""


class _Superseded(Exception):
    """A newer task has come."""


class Worker:
    """Works on the latest task in a thread of its own; `news` are collected by the thread that gave it."""

    def __init__(self, runner: WarmRunner, desk: Workspace) -> None:
        self.runner, self.desk = runner, desk
        self.news: SimpleQueue[News] = SimpleQueue()
        self._tasks: SimpleQueue[tuple[int, Callable[[int], None]]] = SimpleQueue()
        self._latest = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._work, daemon=True).start()

    def test(self, step: Step) -> None:
        """Run a step's tests, or recall the record of them, and examine a failure."""
        self._give(lambda number: self._test(number, step))

    def test_all(self) -> None:
        """Run all tests that no record is kept of."""
        self._give(self._test_all)

    def _give(self, task: Callable[[int], None]) -> None:
        with self._lock:
            self._latest += 1
            number = self._latest
        self.runner.stop()
        self._tasks.put((number, task))

    def _work(self) -> None:
        is_warm = False
        while True:
            number, task = self._tasks.get()
            try:
                self._demand_latest(number)
                task(number)
                self._demand_latest(number)
                if not is_warm:  # nothing to do at the moment
                    is_warm = True
                    self.runner.call(Call("kata.runner.server:warm_up_training", lasting=True))
            except _Superseded:
                pass
            except Exception as error:  # the person goes on working
                self.news.put(News(error=f"{type(error).__name__}: {error}"))

    def _test(self, number: int, step: Step) -> None:
        result = self.desk.standing(step).result or self.desk.run(self.runner, step)
        self._demand_latest(number)
        if result.reason == STOPPED:
            return
        self.news.put(News(step, result))
        if result.passed or not worth_examining(result):
            return

        def still_wanted(*_: int) -> None:
            self._demand_latest(number)

        finding = examine(self.runner, self.desk, step, result, still_wanted)
        self._demand_latest(number)
        if finding:
            self.news.put(News(step, finding=finding))
        # Nothing to do at the moment: what all others would have answered makes the next diagnosis quick.
        mistakes = known_mistakes(self.desk.root, step)
        prepare(self.runner, self.desk, step, mistakes, still_wanted)

    def _test_all(self, number: int) -> None:
        for step in self.desk.steps:
            if not self.desk.standing(step).is_known:
                self.desk.run(self.runner, step)
                self._demand_latest(number)
        self.news.put(News(all_run=True))

    def _demand_latest(self, number: int) -> None:
        if number != self._latest:
            raise _Superseded

    def collect(self) -> list[News]:
        """What became known since the last call."""
        found: list[News] = []
        while True:
            try:
                found.append(self.news.get_nowait())
            except Empty:
                return found


EVERY = 0.05
"""Seconds between two looks at the files."""
GRACE_PERIOD = 1.0
"""Seconds for which a file may be gone, as it is while some editors save, before it is missed."""
PICTURE_LIMIT = 120.0

Signature = tuple[int, int, int] | None


def watch_step(desk: Workspace, step: Step | None, console: Console) -> None:
    """Test a step, the current one for None, at once and whenever a step file is saved, until it is quit.

    Raises DeskError where there is no file to begin with.
    """
    chosen = step or desk.current() or desk.steps[0]
    demand_file(desk, chosen)
    with (
        suppress(KeyboardInterrupt),
        WarmRunner(desk.root, workers=1, training=False) as runner,
        Keys() as keys,
    ):
        _Watch(desk, chosen, console, keys, Worker(runner, desk)).loop()


class _Watch:
    """What is watched, and what is on the screen."""

    def __init__(
        self, desk: Workspace, step: Step, console: Console, keys: Keys, worker: Worker
    ) -> None:
        self.desk, self.step, self.console, self.keys, self.worker = (
            desk,
            step,
            console,
            keys,
            worker,
        )
        self.seen = self._signatures()
        self.gone_since: float | None = None
        self.pictures: list[str] = []

    def loop(self) -> None:
        """Until `q` is pressed."""
        self._say(f"Watching {shown(self.desk.implementation.path)}; the tests run at every save.")
        self._begin()
        while (key := self.keys.wait(EVERY)) != "q":
            self._press(key)
            self._look()
            for news in self.worker.collect():
                self._tell(news)
            while self.pictures:
                self._say(self.pictures.pop(0))
                self._say_keys()

    def _press(self, key: str) -> None:
        if key == "h":
            give_hint(self.desk, self.step, self.console)
            self._say_keys()
        elif key == "p":
            self._say("drawing ...")
            threading.Thread(target=self._draw, args=(self.step,), daemon=True).start()
        elif key == "n":
            after = self.desk.after(self.step)
            if after is None:
                self._say("There is no other step that does not pass.")
            else:
                self.step = after
                self._begin()
        elif key == "a":
            self._say("testing all steps ...")
            self.worker.test_all()

    def _look(self) -> None:
        """Has a file been saved, or gone?"""
        now = self._signatures()
        changed = [s for s in self.desk.steps if now[s] != self.seen[s] and now[s] is not None]
        self.seen = now
        if changed:
            self.gone_since = None
            if self.step not in changed:
                self.step = max(changed, key=lambda s: (now[s] or (0,))[0])
            self._begin()
        elif now[self.step] is not None:
            self.gone_since = None
        elif self.gone_since is None:
            self.gone_since = time.monotonic()
        elif 0 < self.gone_since < time.monotonic() - GRACE_PERIOD:
            self.gone_since = -1.0
            self._say(f"{shown(self.desk.file(self.step))} is gone; waiting for it to come back.")

    def _begin(self) -> None:
        """Test the step that is watched now."""
        try:
            self.desk.refresh()
        except StepError:
            return  # all files are gone, for a moment or for good; _look says so
        standing = self.desk.standing(self.step)
        if not standing.written or standing.waits_for is not None:
            self._clear()
            say_what_is_missing(self.console, self.desk, self.step)
            self._say_keys()
        else:
            self._say(f"step {self.step.number}: testing ...")
            self.worker.test(self.step)

    def _tell(self, news: News) -> None:
        if news.error:
            self._say(f"The tests could not be run: {news.error}")
        elif news.all_run:
            self._clear()
            show_board((self.desk,), self.console)
        elif news.finding:
            say_finding(self.console, news.finding)
        elif news.step and news.result:
            self._clear()
            say_heading(self.console, self.desk, news.step)
            say_result(self.console, self.desk, news.step, news.result)
            if not news.result.passed and (why := absent(self.desk.root)):
                self._say(why)
            self.console.print()
            say_next(self.console, self.desk, news.step, news.result.passed)
        self._say_keys()

    def _draw(self, step: Step) -> None:
        """Have the step's picture drawn by a process of its own, and put what it says where the loop finds it."""
        option = ["--impl", str(self.desk.implementation.path)] if self.desk.option() else []
        command = [sys.executable, "-m", "kata", "picture", str(step.number), *option]
        try:
            run = subprocess.run(
                command,
                cwd=self.desk.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=PICTURE_LIMIT,
                env={**os.environ, "PYTHONUTF8": "1"},
            )
            self.pictures.append((run.stdout + run.stderr).strip() or "There is no picture.")
        except subprocess.TimeoutExpired:
            self.pictures.append(f"The picture was given up after {PICTURE_LIMIT:g} s.")

    def _signatures(self) -> dict[Step, Signature]:
        return {step: self._signature(step) for step in self.desk.steps}

    def _signature(self, step: Step) -> Signature:
        try:
            found = self.desk.file(step).stat()
            return found.st_mtime_ns, found.st_size, found.st_ino
        except OSError:
            return None

    def _clear(self) -> None:
        if self.console.is_terminal:
            self.console.clear()
        else:
            self.console.print()

    def _say(self, text: str) -> None:
        self.console.print(text, style="dim", highlight=False, markup=False)

    def _say_keys(self) -> None:
        if self.keys.there:
            self.console.print()
            self._say("h hint   p picture   n next   a all   q quit")
