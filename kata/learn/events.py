"""The events of `kata watch`, and their producers: each reports to one queue, and knows nothing
of the others.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from kata.course.steps import Step
from kata.learn.blame import Blame, find_blame
from kata.learn.check import worth_examining
from kata.learn.examine import Finding, examine, known_mistakes, prepare
from kata.learn.keys import WINDOWS, Keys
from kata.learn.workspace import Workspace
from kata.runner.client import CallStopped, WarmRunner
from kata.runner.outcomes import Call, PytestResult

EVERY = 0.01
"""Seconds between two looks at the files."""
GRACE_PERIOD = 1.0
"""Grace period in seconds: some editors delete and rewrite a file on save."""
DIAGNOSIS_WITHIN = 2.0
"""Seconds after the verdict, after which it is said that the diagnosis takes longer."""
PICTURE_LIMIT = 120.0
"""Seconds after which a picture is given up."""


@dataclass(frozen=True)
class Pressed:
    """A key was pressed."""

    key: str


@dataclass(frozen=True)
class Saved:
    """Step files were saved; the last saved is last."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Gone:
    """A step's file has been gone for longer than the grace period."""

    step: Step


@dataclass(frozen=True)
class Tested:
    """A step's tests ended."""

    task: WarmRunner
    step: Step
    result: PytestResult


@dataclass(frozen=True)
class AllTested:
    """The tests of all steps ended."""

    task: WarmRunner


@dataclass(frozen=True)
class Blamed:
    """Steps are tested together, and it is known whose is at fault; None if nobody else's."""

    task: WarmRunner
    blame: Blame | None


@dataclass(frozen=True)
class Diagnosed:
    """The search for a known mistake ended; None if none gives these answers."""

    task: WarmRunner
    finding: Finding | None


@dataclass(frozen=True)
class Late:
    """The search for a known mistake goes on after DIAGNOSIS_WITHIN."""

    task: WarmRunner


@dataclass(frozen=True)
class Failed:
    """The tests could not be run."""

    task: WarmRunner
    why: str


@dataclass(frozen=True)
class Drawn:
    """A picture is drawn, or not: the text says which."""

    text: str


TaskEvent = Tested | AllTested | Blamed | Diagnosed | Late | Failed
Event = Pressed | Saved | Gone | Drawn | TaskEvent


class Events:
    """The queue of events."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Event] = SimpleQueue()

    def put(self, event: Event) -> None:
        """Report an event, from any thread."""
        self._queue.put(event)

    def take(self) -> Event:
        """Wait for the next event."""
        while True:
            try:  # on Windows, Ctrl-C cannot interrupt a wait without a limit
                return self._queue.get(timeout=0.2 if WINDOWS else None)
            except Empty:
                continue


def in_background(work: Callable[[], None]) -> None:
    """Call a function in a thread that ends with the process."""
    threading.Thread(target=work, daemon=True).start()


def listen_to_keys(keys: Keys, events: Events) -> None:
    """From now on, report every key, until `q`."""

    def listen() -> None:
        name = ""
        while name != "q":
            name = keys.wait()
            events.put(Pressed(name))

    if keys.there:
        in_background(listen)


def look_at_files(files: Mapping[Step, Path], events: Events) -> None:
    """From now on, report every save, and every file that stays away."""
    seen = {step: _signature(path) for step, path in files.items()}
    in_background(lambda: _look_at_files(files, events, seen))


def _look_at_files(
    files: Mapping[Step, Path], events: Events, seen: dict[Step, tuple[int, ...]]
) -> None:
    gone_since: dict[Step, float] = {}
    while True:
        time.sleep(EVERY)
        now = {step: _signature(path) for step, path in files.items()}
        saved = [step for step in files if now[step] and now[step] != seen[step]]
        seen = now
        if saved:
            events.put(Saved(tuple(sorted(saved, key=lambda step: now[step] or ()))))
        for step in files:
            if now[step]:
                gone_since.pop(step, None)
            elif time.monotonic() - gone_since.setdefault(step, time.monotonic()) > GRACE_PERIOD:
                gone_since[step] = float("inf")  # it is reported once
                events.put(Gone(step))


def _signature(path: Path) -> tuple[int, ...]:
    """Return what changes with every save, the time of saving first; nothing for a file that is
    gone.

    A save may keep the size and set the modification time back, but not the time of the change of
    the file's entry.
    """
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


class Tester:
    """Tests steps in the background. A new task stops the one before: its calls end, and it
    reports no more.
    """

    def __init__(self, workspace: Workspace, runner: WarmRunner, events: Events) -> None:
        self.workspace, self.runner, self.events = workspace, runner, events
        self.task = runner.task()
        self._is_warm = False

    def test(self, step: Step) -> None:
        """Run a step's tests, or recall their result; then look for the diagnosis of a failure."""
        self._begin(lambda task: self._test(task, step))

    def prepare(self, step: Step) -> None:
        """Let the step's known mistakes answer while there is nothing to test: that makes its first
        diagnosis quick.
        """
        self._begin(lambda task: self._prepare(task, step))

    def test_all(self) -> None:
        """Run the tests of all steps whose result is not known."""
        self._begin(self._test_all)

    def stop(self) -> None:
        """Stop what runs."""
        self.task.stop()

    def _begin(self, work: Callable[[WarmRunner], None]) -> None:
        self.stop()
        task = self.task = self.runner.task()
        in_background(lambda: self._do(task, work))

    def _do(self, task: WarmRunner, work: Callable[[WarmRunner], None]) -> None:
        try:
            work(task)
            if not self._is_warm:  # nothing else to do at the moment
                task.call(Call("kata.runner.server:warm_up_training", lasting=True))
                self._is_warm = True
        except CallStopped:
            pass
        except Exception as error:  # the person goes on working
            self.events.put(Failed(task, f"{type(error).__name__}: {error}"))

    def _test(self, task: WarmRunner, step: Step) -> None:
        result = self.workspace.standing(step).result or self.workspace.run(task, step)
        self.events.put(Tested(task, step, result))
        if result.passed:
            if after := self.workspace.after(step):
                self._prepare(task, after)
            return
        if self.workspace.assembled:
            blame = find_blame(task, self.workspace, step)
            self.events.put(Blamed(task, blame))
            if blame and blame.at_fault != (step,):
                return
        if worth_examining(result):
            self._diagnose(task, step, result)
        self._prepare(task, step)

    def _diagnose(self, task: WarmRunner, step: Step, result: PytestResult) -> None:
        late = threading.Timer(DIAGNOSIS_WITHIN, lambda: self.events.put(Late(task)))
        late.daemon = True
        late.start()
        try:
            finding = examine(task, self.workspace, step, result)
        finally:
            late.cancel()
        self.events.put(Diagnosed(task, finding))

    def _prepare(self, task: WarmRunner, step: Step) -> None:
        if mistakes := known_mistakes(self.workspace.root, step):
            prepare(task, self.workspace, step, mistakes)

    def _test_all(self, task: WarmRunner) -> None:
        for step in self.workspace.steps:
            if not self.workspace.standing(step).is_known:
                self.workspace.run(task, step)
        self.events.put(AllTested(task))


def draw_picture(workspace: Workspace, step: Step, events: Events) -> None:
    """Draw a step's picture in a process of its own, and report what it prints."""
    in_background(lambda: _draw_picture(workspace, step, events))


def _draw_picture(workspace: Workspace, step: Step, events: Events) -> None:
    implementation = workspace.implementation
    option = ["--impl", str(implementation.path)] if implementation.options() else []
    try:
        run = subprocess.run(
            [sys.executable, "-m", "kata", "picture", str(step.number), *option],
            cwd=workspace.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PICTURE_LIMIT,
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        events.put(Drawn((run.stdout + run.stderr).strip() or "There is no picture."))
    except subprocess.TimeoutExpired:
        events.put(Drawn(f"The picture took longer than {PICTURE_LIMIT:g} s and was given up."))
