"""Look for what solves a step in a students' copy: try every function and class of it.

    python tests/tools/solving.py COPY STEP

Each takes the place of each public name of the step's solution, and is asked the step's questions.
Print as JSON what earns points: [public name, function, points].
"""

import importlib
import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

from kata.course.loader import Implementation
from kata.course.steps import Step, step_by_number
from kata.criteria.questions import Answer, answer, questions_of
from kata.criteria.verdicts import criteria_of, right

SECONDS = 3.0
"""After which a question counts as unanswered."""

SEED = 7


class TooLate(BaseException):
    """A question took too long."""


def modules(copy: Path) -> Iterator[ModuleType]:
    """The modules of the copy, as this course has them, and those of its tests."""
    for path in sorted(copy.glob("kata/**/*.py")):
        parts = path.relative_to(copy).with_suffix("").parts
        if parts[-1] != "__main__":
            yield importlib.import_module(".".join(p for p in parts if p != "__init__"))
    for path in sorted(copy.glob("tests/test_*.py")):
        spec = util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def candidates(copy: Path) -> dict[str, Callable[..., Any]]:
    """Every function and class that is defined at the top of a module, but for the tests."""
    return {
        f"{module.__name__}.{name}": value
        for module in modules(copy)
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not name.startswith("test_")
    }


def earnings(step: Step, found: dict[str, Callable[..., Any]]) -> Iterator[tuple[str, str, float]]:
    """What earns points as which public name: the criteria that it passes and that fail without."""
    solution = Implementation("solutions").module(step)
    criteria = {n: c for n, c in criteria_of(step).items() if not c.testimony and c.weight}
    total = sum(c.weight for c in criteria.values())
    reference = {name: asked(step, solution, name) for name in criteria}
    for public in step.public:
        calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        wanted = [
            name
            for name in criteria
            if not passes(step, replaced(solution, public, missing(calls)), name, reference)
        ]
        for name, value in found.items():
            if any(fits(value, *call) for call in calls):
                step_with = replaced(solution, public, value)
                passed = [n for n in wanted if passes(step, step_with, n, reference)]
                points = step.points * sum(criteria[n].weight for n in passed) / total
                if points:
                    yield public, name, round(points, 2)


def missing(calls: list[Any]) -> Callable[..., Any]:
    """Something that notes how it is called, and is not written."""

    def note(*args: Any, **named: Any) -> None:
        calls.append((args, named))
        raise NotImplementedError

    return note


def fits(value: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Whether a function can be called in this way at all."""
    try:
        inspect.signature(value).bind(*args, **named)
    except (TypeError, ValueError):
        return False
    return True


def replaced(solution: ModuleType, public: str, value: Any) -> ModuleType:
    """The solution with another value of one name."""
    module = ModuleType("replaced")
    vars(module).update({k: v for k, v in vars(solution).items() if not k.startswith("__")})
    setattr(module, public, value)
    return module


def passes(step: Step, module: ModuleType, name: str, reference: dict[str, Answer]) -> bool:
    try:
        return right(criteria_of(step)[name], asked(step, module, name), reference[name])
    except Exception:
        return False


def asked(step: Step, module: ModuleType, name: str) -> Answer | None:
    """The answer to one question; None if it takes too long."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        return answer(questions_of(step)[name], module, SEED)
    except TooLate:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def ring(*_: object) -> None:
    raise TooLate


def forbidden(*_: object, **__: object) -> None:
    raise RuntimeError("it would leave this process")


def stay_here() -> None:
    """Let nothing that is tried end, double or change this process."""
    for name in ("fork", "_exit", "dup2", "kill", "killpg", "abort", "execv", "setsid"):
        setattr(os, name, forbidden)
    for owner, name in ((threading.Thread, "start"), (subprocess.Popen, "__init__")):
        setattr(owner, name, forbidden)


if __name__ == "__main__":
    copy, number = Path(sys.argv[1]), int(sys.argv[2])
    tried = candidates(copy)
    signal.signal(signal.SIGALRM, ring)
    stay_here()
    out, sys.stdout = sys.stdout, sys.stderr
    json.dump([len(tried), list(earnings(step_by_number(number), tried))], out)
