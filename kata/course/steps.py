"""The steps of the course, as course.toml tells of them."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COURSE_FILE = Path(__file__).with_name("course.toml")


@dataclass(frozen=True)
class PredictionQuestion:
    """Something to predict before one looks.

    figure: the name of the step's figure that shows it; ask: the question; answer: what is to be
    seen there, and why.
    """

    figure: str
    ask: str
    answer: str


@dataclass(frozen=True)
class Step:
    """One exercise.

    name: of its files; public: the names that a learner writes; builds_on: the numbers of the steps
    that its solution imports; minutes: for a first try; difficulty: 1 (a few lines) to 5;
    points: 0 for an optional step; hints: a question, a pointer, nearly code; why: three sentences
    on why the solution is as it is; questions: for a step that passes.
    """

    number: int
    name: str
    title: str
    public: tuple[str, ...]
    builds_on: tuple[int, ...]
    minutes: int
    difficulty: int
    points: int
    hints: tuple[str, str, str]
    why: tuple[str, str, str]
    questions: tuple[PredictionQuestion, ...]

    @property
    def is_optional(self) -> bool:
        """Whether it earns no points and may be skipped."""
        return self.points == 0

    @property
    def file(self) -> str:
        """The file's name in `exercises/` and in `solutions/`."""
        return f"{self.name}.py"

    @property
    def test_file(self) -> str:
        """The file's name in `tests/`."""
        return f"test_{self.name}.py"

    @property
    def folder(self) -> str:
        """The folder's name in `tests/mistakes/` and in `tests/alternatives/`."""
        return f"step{self.number:02d}"


def read_steps(path: Path) -> tuple[Step, ...]:
    """Return the steps of a course file; raise ValueError if a block lacks a field or has an
    unknown one.
    """
    steps = []
    for number, block in enumerate(tomllib.loads(path.read_text(encoding="utf-8"))["steps"]):
        fields: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in block.items()
        }
        try:
            fields["why"] = tuple(map(_joined, fields["why"]))
            fields["questions"] = tuple(
                PredictionQuestion(**{k: _joined(v) for k, v in question.items()})
                for question in fields["questions"]
            )
            steps.append(Step(number, **fields))
        except (TypeError, KeyError) as error:
            raise ValueError(f"{path.name}, step {number}: {error}") from None
    return tuple(steps)


def _joined(text: str) -> str:
    """Return a paragraph as one line."""
    return " ".join(text.split())


STEPS = read_steps(COURSE_FILE)
GRADED_STEPS = tuple(step for step in STEPS if not step.is_optional)
"""The steps that earn points."""


def step_by_number(number: int) -> Step:
    """Return the step of that number; ValueError if there is none."""
    if not 0 <= number < len(STEPS):
        raise ValueError(f"there is no step {number}: the steps are 0 to {len(STEPS) - 1}")
    return STEPS[number]


def foundations(step: Step) -> tuple[Step, ...]:
    """Return the steps that a step builds on, and those that they build on, in order."""
    numbers = set(step.builds_on)
    for number in step.builds_on:
        numbers |= {below.number for below in foundations(STEPS[number])}
    return tuple(STEPS[number] for number in sorted(numbers))


def step_of_file(path: Path) -> Step | None:
    """Return the step whose file, or whose test file, has that name; None for other files."""
    return next((s for s in STEPS if path.name in (s.file, s.test_file)), None)


def step_of_folder(path: Path) -> Step | None:
    """Return the step whose mistakes or alternatives lie in a folder of that name (`step03`);
    None for others.
    """
    match = re.fullmatch(r"step(\d\d)", path.name)
    return next((s for s in STEPS if match and s.number == int(match[1])), None)
