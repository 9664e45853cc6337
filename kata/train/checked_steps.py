"""The steps of an implementation, called by their contract, and named when they fail."""

import contextlib
import shlex
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from torch import Tensor

from kata.course import KataError
from kata.course.files import shown
from kata.course.loader import Implementation
from kata.course.steps import GRADED_STEPS, Step, step_by_number


class StepCallError(KataError):
    """A step fails or returns what its contract does not allow; the message names its file."""


class CheckedSteps:
    """The steps of one implementation, as they use each other.

    target: an implementation, or the argument of one; log: receives all that the steps print;
    steps: those that are called. Raise StepError if one of them is missing or does not load.
    """

    def __init__(
        self, target: str | Path | Implementation, log: TextIO, steps: Iterable[Step] = GRADED_STEPS
    ) -> None:
        self.implementation = (
            target if isinstance(target, Implementation) else Implementation(target, assembled=True)
        )
        self.log = log
        with self._quiet():
            self.modules = {s.number: self.implementation.module(s) for s in steps}

    def call(self, number: int, name: str, *arguments: Any, **named: Any) -> Any:
        """Return what a step's function or class returns; raise StepCallError if it fails."""
        with self.blame(number, name):
            return getattr(self.modules[number], name)(*arguments, **named)

    def images(
        self, number: int, name: str, shape: tuple[int, ...], *arguments: Any, **named: Any
    ) -> Tensor:
        """Return the tensor that a step's function returns, checked by `tensor`."""
        return self.tensor(number, name, self.call(number, name, *arguments, **named), shape)

    def array(
        self, number: int, name: str, shape: tuple[int, ...], *arguments: Any, **named: Any
    ) -> np.ndarray:
        """Return the finite NumPy array of that shape that a step's function returns."""
        result = self.call(number, name, *arguments, **named)
        if not isinstance(result, np.ndarray):
            raise self._wrong(number, name, f"a NumPy array, not {_kind(result)}")
        if result.shape != shape or not np.isfinite(result).all():
            raise self._wrong(number, name, f"finite numbers of shape {shape}, not {_kind(result)}")
        return result

    def number(self, number: int, name: str, *arguments: Any) -> float:
        """Return the number that a step's function returns, a float or a 0-dim tensor."""
        with self.blame(number, name):
            return float(getattr(self.modules[number], name)(*arguments))

    def tensor(self, number: int, name: str, result: Any, shape: tuple[int, ...]) -> Tensor:
        """Return a result on the CPU; raise StepCallError unless it is finite and of that shape."""
        if not isinstance(result, Tensor):
            raise self._wrong(number, name, f"a tensor, not {_kind(result)}")
        if tuple(result.shape) != shape or not bool(torch.isfinite(result).all()):
            raise self._wrong(number, name, f"finite numbers of shape {shape}, not {_kind(result)}")
        return result.detach().cpu()

    @contextlib.contextmanager
    def blame(
        self, number: int, name: str, let_through: tuple[type[BaseException], ...] = ()
    ) -> Iterator[None]:
        """Run that step's code inside: its prints go to the log, its errors become a StepCallError.

        let_through: errors of the caller, which are not the step's fault.
        """
        try:
            with self._quiet():
                yield
        except (KeyboardInterrupt, StepCallError):
            raise
        except BaseException as error:  # a step may even call sys.exit()
            if isinstance(error, let_through):
                raise
            raise StepCallError(self._sentence(step_by_number(number), name, error)) from None

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        with contextlib.redirect_stdout(self.log), contextlib.redirect_stderr(self.log):
            yield

    def _sentence(self, step: Step, name: str, error: BaseException) -> str:
        """Return what failed, at the last line of the implementation, and what to do."""
        owners = {str(f): n for n, files in self._files().items() for f in files}
        place, last = "", ""
        for frame, line in traceback.walk_tb(error.__traceback__):
            last = frame.f_code.co_filename
            if last in owners:
                step, name = step_by_number(owners[last]), frame.f_code.co_qualname
                place = f", line {line}"
        path = self._path(step)
        if isinstance(error, NotImplementedError) and last in owners:
            return (
                f"{path}{place}: {name} is not written yet (step {step.number}, {step.title}). "
                f"Fill it in and run `pytest tests/{step.test_file} -x`, or say --impl solutions."
            )
        what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":. ")
        return (
            f"{path}{place}, in {name} (step {step.number}): {what}. "
            f"Run `pytest tests/{step.test_file} -x{self._option()}` to see what is expected."
        )

    def _wrong(self, number: int, name: str, must: str) -> StepCallError:
        step = step_by_number(number)
        return StepCallError(
            f"{self._path(step)}: {name} (step {number}) must return {must}. "
            f"Run `pytest tests/{step.test_file} -x{self._option()}` to see what is expected."
        )

    def _files(self) -> dict[int, tuple[Path, ...]]:
        modules = {n: (Path(str(m.__file__)),) for n, m in self.modules.items()}
        return {**modules, **self.implementation.files}

    def _path(self, step: Step) -> str:
        return shown(self._files()[step.number][-1])

    def _option(self) -> str:
        path = shown(self.implementation.path)
        return "" if path == "exercises" else f" --impl {shlex.quote(path)}"


def _kind(result: Any) -> str:
    if isinstance(result, Tensor | np.ndarray):
        finite = np.isfinite(
            np.asarray(result.detach().cpu() if isinstance(result, Tensor) else result)
        )
        return f"one of shape {tuple(result.shape)}" + (
            "" if finite.all() else " with nan or inf in it"
        )
    return type(result).__name__
