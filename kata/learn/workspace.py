"""The learner's desk: their files, what is written in them, and how the tests of each step went."""

import re
from dataclasses import dataclass
from pathlib import Path

from kata.course.errors import KataError
from kata.course.files import find_root, shown
from kata.course.loader import Implementation, StepError
from kata.course.steps import STEPS, Step, step_of_file
from kata.course.steps import step_by_number as step_number
from kata.course.stubs import is_untouched
from kata.runner.client import STOPPED, WarmRunner
from kata.runner.outcomes import PytestJob, RunResult, keep, key_of, reach, recall

STEP_LIMIT = 90.0
TEST_LIMIT = 10.0
"""Seconds after which the tests of a step, and processor seconds after which one test, are ended."""


class WorkspaceError(KataError):
    """Something has to be put right first; the message is one sentence that says what."""


@dataclass(frozen=True)
class Standing:
    """How a step stands. result: None where it is not known; waits_for: an unwritten step that it needs."""

    written: bool
    result: RunResult | None = None
    waits_for: Step | None = None

    @property
    def passed(self) -> bool:
        """Whether all its tests are known to pass."""
        return self.result is not None and self.result.passed

    @property
    def is_known(self) -> bool:
        """Whether there is nothing to be found out by running the tests."""
        return not self.written or self.result is not None or self.waits_for is not None


class Workspace:
    """The step files of one implementation, as a person works on them.

    target: as for `Implementation`. Raises StepError where there is nothing to test.
    """

    def __init__(self, target: str | Path = "exercises", assembled: bool = False) -> None:
        self.root = find_root()
        self.target = target
        self.assembled_asked = assembled
        self.refresh()

    def refresh(self) -> None:
        """Look again which files there are."""
        self.implementation = Implementation(self.target, self.assembled_asked)

    @property
    def assembled(self) -> bool:
        """Whether the steps are tested together; so they are wherever solutions/ is not."""
        return self.implementation.assembled

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that are tested here: all ten, or the one of a single file."""
        if self.implementation.path.is_dir():
            return STEPS
        return tuple(s for s in STEPS if s.number in self.implementation.files)

    def file(self, step: Step) -> Path:
        """Where a step's file lies, or would lie."""
        path = self.implementation.path
        if path.is_dir():
            return path / step.file
        return path if step.number in self.implementation.files else path.parent / step.file

    def text(self, step: Step) -> str | None:
        """What a step's file holds; None where there is none."""
        return _text(self.file(step))

    def written(self, step: Step) -> bool:
        """Whether anything was written into a step's file yet."""
        return _written(self.file(step))

    def standing(self, step: Step) -> Standing:
        """How a step stands, as far as it is known; nothing is run."""
        if step.number not in self.implementation.files or not self.written(step):
            return Standing(written=False)
        waits_for = self.waits_for(step)
        result = None if waits_for else recall(key_of(self.root, self.implementation, step))
        return Standing(True, result, waits_for)

    def waits_for(self, step: Step) -> Step | None:
        """The first step below one that it uses and that is not written yet, where steps are tested together."""
        if not self.assembled:
            return None
        used = {step_of_file(path) for path in reach(self.implementation, step)}
        used |= {STEPS[n - 1] for n in step.builds_on}
        return next((s for s in STEPS if s in used - {step} and not self.written(s)), None)

    def job(self, step: Step) -> PytestJob:
        """The run of a step's tests."""
        options = ["--impl", str(self.implementation.path), f"tests/{step.test_file}"]
        together = ["--assembled"] if self.assembled_asked else []
        return PytestJob((*options, *together), STEP_LIMIT, TEST_LIMIT)

    def run(self, runner: WarmRunner, step: Step) -> RunResult:
        """Run a step's tests and keep the record of them."""
        key = key_of(self.root, self.implementation, step)
        result = runner.run(self.job(step))
        if result.exit_code in (0, 1) or (result.reason and result.reason != STOPPED):
            keep(key, result)
        return result

    def current(self) -> Step | None:
        """The step to work on: the last saved of those begun, else the first that does not pass; None where all do."""
        todo = [s for s in self.steps if not self.standing(s).passed]
        begun = [s for s in todo if self.written(s)]
        return max(begun, key=self._saved) if begun else next(iter(todo), None)

    def after(self, step: Step) -> Step | None:
        """The next step that does not pass, counting on from one and round to the first; None where all others do."""
        order = [s for s in self.steps if s.number > step.number]
        order += [s for s in self.steps if s.number < step.number]
        return next((s for s in order if not self.standing(s).passed), None)

    def where(self, step: Step, name: str = "") -> str:
        """`path:line` of a public name in a step's file; of the first that is not written yet without a name."""
        text = self.text(step) or ""
        unwritten = re.search(r'NotImplementedError\("step \d+: (\w+)', text)
        name = name or (unwritten[1] if unwritten else step.public[0])
        found = re.search(rf"^(?:def|class) {re.escape(name)}\b", text, re.MULTILINE)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        return f"{shown(self.file(step))}:{line}"

    def option(self) -> str:
        """What a command needs to mean this implementation: nothing for the learner's own."""
        path = shown(self.implementation.path)
        together = " --assembled" if self.assembled_asked else ""
        return ("" if path == "exercises" else f" --impl {path}") + together

    def _saved(self, step: Step) -> float:
        try:
            return self.file(step).stat().st_mtime
        except OSError:
            return 0.0


def chosen_step(text: str) -> Step:
    """The step that a person means: `3`, `03`, `step03` or its file; DeskError for anything else."""
    match = re.fullmatch(r"(?:step)?0*(\d+)", text) or re.match(r"step0*(\d+)_", Path(text).name)
    try:
        return step_number(int(match[1]) if match else 0)
    except ValueError:
        raise WorkspaceError(
            f"There is no step {text}: say a number from 1 to {len(STEPS)}, as in `kata check 3`."
        ) from None


def open_workspace(target: str | Path = "exercises", assembled: bool = False) -> Workspace:
    """The desk of an implementation; DeskError where there is none."""
    try:
        return Workspace(target, assembled)
    except StepError as error:
        raise WorkspaceError(_sentence(str(error))) from None


def _sentence(text: str) -> str:
    if text.startswith("--impl exercises:"):
        return (
            "There is no exercises/ folder with step files here: go to the course's folder, or run "
            "`kata stubs` to write them."
        )
    return text


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _written(path: Path) -> bool:
    text = _text(path)
    return text is not None and not is_untouched(text)
