"""`kata watch`: the step that you work on again at every save."""

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

from rich.console import Console

from kata.course.loader import StepError
from kata.course.manifest import Step
from kata.course.paths import shown
from kata.desk.board import show as show_board
from kata.desk.check import demand_file, say_next, say_what_is_missing
from kata.desk.desk import Desk
from kata.desk.doctor import absent
from kata.desk.hints import hint
from kata.desk.keys import Keys
from kata.desk.verdict import say_finding, say_heading, say_result
from kata.desk.worker import News, Worker
from kata.run.warm import WarmRunner

EVERY = 0.05
"""Seconds between two looks at the files."""
PATIENCE = 1.0
"""Seconds for which a file may be gone, as it is while some editors save, before it is missed."""
PICTURE_LIMIT = 120.0

Signature = tuple[int, int, int] | None


def watch(desk: Desk, step: Step | None, console: Console) -> None:
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
        self, desk: Desk, step: Step, console: Console, keys: Keys, worker: Worker
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
            hint(self.desk, self.step, self.console)
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
        elif 0 < self.gone_since < time.monotonic() - PATIENCE:
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
