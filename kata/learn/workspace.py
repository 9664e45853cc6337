"""A learner's workspace: their files, what is written in them, and how the tests of each step
went.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kata.course import KataError
from kata.course.files import find_root, pasted, shown
from kata.course.loader import Implementation, StepError
from kata.course.steps import STEPS, Step, step_by_number, step_of_file
from kata.course.stubs import is_untouched
from kata.runner.outcomes import PytestJob, PytestResult
from kata.runner.records import keep, key_of, reach, recall

if TYPE_CHECKING:
    from kata.runner.client import WarmRunner

STEP_LIMIT = 90.0
TEST_LIMIT = 10.0
"""Seconds after which a step's tests are ended, and seconds of processor time for a single test."""


class WorkspaceError(KataError):
    """The learner has to do something first; the message is one sentence that says what."""


@dataclass(frozen=True)
class Standing:
    """How a step stands. result: None if it is not known; waits_for: an unwritten step that it
    needs.
    """

    written: bool
    result: PytestResult | None = None
    waits_for: Step | None = None

    @property
    def passed(self) -> bool:
        """Return whether all its tests are known to pass."""
        return self.result is not None and self.result.passed

    @property
    def is_known(self) -> bool:
        """Return whether running the tests can tell nothing more."""
        return not self.written or self.result is not None or self.waits_for is not None


class Workspace:
    """The step files of one implementation, as a person works on them.

    target: as for `Implementation`. Raise StepError if there is nothing to test.
    """

    def __init__(self, target: str | Path = "exercises", assembled: bool = False) -> None:
        self.root = find_root()
        self.target = target
        self._assembled = assembled
        self.refresh()

    def refresh(self) -> None:
        """Look again which files there are."""
        self.implementation = Implementation(self.target, self._assembled)

    @property
    def assembled(self) -> bool:
        """Return whether steps use each other; without solutions/ they always do."""
        return self.implementation.assembled

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps that are tested here: all, or the one of a single file."""
        if self.implementation.path.is_dir():
            return STEPS
        return tuple(s for s in STEPS if s.number in self.implementation.files)

    @property
    def counted(self) -> tuple[Step, ...]:
        """Return the steps that count: all but the optional ones, or the one of a single file."""
        return tuple(s for s in self.steps if not s.is_optional) or self.steps

    def file(self, step: Step) -> Path:
        """Return where a step's file lies, or would lie."""
        path = self.implementation.path
        if path.is_dir():
            return path / step.file
        return path if step.number in self.implementation.files else path.parent / step.file

    def text(self, step: Step) -> str | None:
        """Return what a step's file holds; None if it cannot be read."""
        return _text(self.file(step))

    def written(self, step: Step) -> bool:
        """Return whether anything is filled in in a step's file."""
        return _written(self.file(step))

    def standing(self, step: Step) -> Standing:
        """Return how a step stands, as far as it is known; nothing is run."""
        if step.number not in self.implementation.files or not self.written(step):
            return Standing(written=False)
        waits_for = self.waits_for(step)
        result = None if waits_for else recall(key_of(self.root, self.implementation, step))
        return Standing(True, result, waits_for)

    def waits_for(self, step: Step) -> Step | None:
        """Return the first unwritten step that a step uses, if steps use each other."""
        if not self.assembled:
            return None
        used = {step_of_file(path) for path in reach(self.implementation, step)}
        used |= {STEPS[n] for n in step.builds_on}
        return next((s for s in STEPS if s in used - {step} and not self.written(s)), None)

    def job(self, step: Step) -> PytestJob:
        """Return the run of a step's tests."""
        options = ["--impl", str(self.implementation.path), f"tests/{step.test_file}"]
        together = ["--assembled"] if self.implementation.asked_assembled else []
        return PytestJob((*options, *together), STEP_LIMIT, TEST_LIMIT)

    def run(self, runner: "WarmRunner", step: Step) -> PytestResult:
        """Run a step's tests and keep the result, unless a file was saved meanwhile."""
        key = key_of(self.root, self.implementation, step)
        result = runner.run(self.job(step))
        is_result = result.reason or result.exit_code in (0, 1)
        if is_result and key == key_of(self.root, self.implementation, step):
            keep(key, result)
        return result

    def current(self) -> Step | None:
        """Return the step to work on: of those begun the last saved, else the first that does
        not pass, or None. An optional step is so only until something is written in a later one.
        """
        todo = [s for s in self.steps if not self.standing(s).passed and not self._is_over(s)]
        begun = [s for s in todo if self.written(s)]
        return max(begun, key=self._saved) if begun else next(iter(todo), None)

    def after(self, step: Step) -> Step | None:
        """Return the next step that does not pass, from one on and round to the first; None if
        all others pass. It is never an optional one.
        """
        order = [s for s in self.counted if s.number > step.number]
        order += [s for s in self.counted if s.number < step.number]
        return next((s for s in order if not self.standing(s).passed), None)

    def finish(self) -> str:
        """Return the command that comes when all steps pass: the final test, or the demo for a
        single file.
        """
        if self.implementation.path.is_dir():
            option = self.implementation.options().removesuffix(" --assembled")
            return f"pytest {pasted(self.root / 'tests' / 'final')}{option}"
        return f"kata demo --impl {pasted(self.implementation.path)}"

    def where(self, step: Step, name: str = "") -> str:
        """Return `path:line` of a public name in a step's file, by default of the first that is
        not written.
        """
        text = self.text(step) or ""
        unwritten = re.search(r'NotImplementedError\("step \d+: (\w+)', text)
        name = name or (unwritten[1] if unwritten else step.public[0])
        found = re.search(rf"^(?:def|class) {re.escape(name)}\b", text, re.MULTILINE)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        return f"{shown(self.file(step))}:{line}"

    def _is_over(self, step: Step) -> bool:
        """Return whether a step is optional and something is written in a later one."""
        return step.is_optional and any(
            self.written(s) for s in self.steps if s.number > step.number
        )

    def _saved(self, step: Step) -> float:
        try:
            return self.file(step).stat().st_mtime
        except OSError:
            return 0.0


def chosen_step(text: str) -> Step:
    """Return the step that a person means by `3`, `03`, `step03` or its file, else raise
    WorkspaceError.
    """
    match = re.fullmatch(r"(?:step)?0*(\d+)", text) or re.match(r"step0*(\d+)_", Path(text).name)
    try:
        return step_by_number(int(match[1]) if match else -1)
    except ValueError:
        raise WorkspaceError(
            f"There is no step {text}: name one from 0 to {len(STEPS) - 1}, as in `kata check 3`."
        ) from None


def open_workspace(target: str | Path = "exercises", assembled: bool = False) -> Workspace:
    """Return the workspace of an implementation, or raise WorkspaceError if there is none."""
    try:
        return Workspace(target, assembled)
    except StepError as error:
        message = str(error)
        if message.startswith("--impl exercises:"):
            message = (
                "There is no exercises/ folder with step files here: go to the course's folder, "
                "or run `kata stubs` to write them."
            )
        raise WorkspaceError(message) from None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None


def _written(path: Path) -> bool:
    text = _text(path)
    return text is not None and not is_untouched(text)
