"""The thread of `kata watch` that runs tests and asks for diagnoses; a newer task ends an older one."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from kata.course.manifest import Step
from kata.desk.check import worth_examining
from kata.desk.desk import Desk
from kata.desk.doctor import Finding, examine, known_mistakes, prepare
from kata.run.results import Call, Result
from kata.run.warm import STOPPED, WarmRunner


@dataclass(frozen=True)
class News:
    """What became known: a step's result; or, later, its diagnosis; `all_run` where every step was run; or an error."""

    step: Step | None = None
    result: Result | None = None
    finding: Finding | None = None
    all_run: bool = False
    error: str = ""


class _Superseded(Exception):
    """A newer task has come."""


class Worker:
    """Works on the latest task in a thread of its own; `news` are collected by the thread that gave it."""

    def __init__(self, runner: WarmRunner, desk: Desk) -> None:
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
                    self.runner.call(Call("kata.run.server:warm_up_training", lasting=True))
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
