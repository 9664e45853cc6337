"""Which known mistake a step looks like, found out beside other work and not waited for without end."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from types import TracebackType

from kata.course.manifest import Step
from kata.course.mistakes import Mistake
from kata.desk.check import worth_examining
from kata.desk.desk import Desk
from kata.desk.doctor import absent, examine
from kata.run.warm import WarmRunner


class _GivenUp(Exception):
    pass


class Lookalike:
    """Asks, from `__enter__` on, in a thread and a process of their own; `mistake` says what came of it.

    Nothing is asked where the step is known to pass, or there is nothing to compare with.
    """

    def __init__(self, desk: Desk, step: Step) -> None:
        self.desk, self.step = desk, step
        self.in_time = True
        self._runner: WarmRunner | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._found: Future[Mistake | None] | None = None

    def __enter__(self) -> "Lookalike":
        standing, own = self.desk.standing(self.step), self.desk.implementation
        is_learners = standing.written and own.path != own.solutions
        if is_learners and not standing.passed and not absent(self.desk.root):
            self._runner = WarmRunner(self.desk.root, workers=1, training=False).__enter__()
            self._pool = ThreadPoolExecutor(1)
            self._found = self._pool.submit(self._look)
        return self

    def mistake(self, until: float) -> Mistake | None:
        """The known mistake whose answers the step gives, or None; until: of time.monotonic(), when to give up.

        Afterwards `in_time` says whether there was time to find out.
        """
        if self._found is None:
            return None
        try:
            return self._found.result(max(0.0, until - time.monotonic()))
        except NotInTime:
            self.in_time = False
            return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner and self._pool and self._found:
            self._found.cancel()
            self.in_time = self.in_time and self._found.done()
            self._runner.stop()
            self._runner.__exit__(kind, error, trace)
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> Mistake | None:
        assert self._runner is not None
        standing = self.desk.standing(self.step)
        result = standing.result or self.desk.run(self._runner, self.step)
        if result.passed or not worth_examining(result):
            return None
        finding = examine(self._runner, self.desk, self.step, result, self._go_on)
        return finding.mistakes[0] if finding else None

    def _go_on(self, done: int, all_: int) -> None:
        if not self.in_time:
            raise _GivenUp
