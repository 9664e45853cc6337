"""The ten steps as the demo uses them: called by nothing but the contract, and blamed by name when they fail."""

import contextlib
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from torch import Tensor

from kata.course.errors import KataError
from kata.course.files import shown
from kata.course.loader import Implementation
from kata.course.steps import STEPS, Step, step_by_number


class StepCallError(KataError):
    """A step fails or gives back something else than its contract says; the message names the step's file."""


class CheckedSteps:
    """The steps of one implementation, as they use each other.

    target: an implementation, or as for one; log: where everything goes that the steps print; steps: those that are
    called. Raises StepError where one of them is missing or does not load.
    """

    def __init__(
        self, target: str | Path | Implementation, log: TextIO, steps: Iterable[Step] = STEPS
    ) -> None:
        self.implementation = (
            target if isinstance(target, Implementation) else Implementation(target, assembled=True)
        )
        self.log = log
        with self._quiet():
            self.modules = {s.number: self.implementation.module(s) for s in steps}

    def call(self, number: int, name: str, *arguments: Any, **named: Any) -> Any:
        """The result of a step's function or class; LearnerError where it raises."""
        with self.blame(number, name):
            return getattr(self.modules[number], name)(*arguments, **named)

    def images(
        self, number: int, name: str, shape: tuple[int, ...], *arguments: Any, **named: Any
    ) -> Tensor:
        """The tensor that a step's function gives, on the CPU: finite and of that shape, or a LearnerError."""
        return self.tensor(number, name, self.call(number, name, *arguments, **named), shape)

    def array(
        self, number: int, name: str, shape: tuple[int, ...], *arguments: Any, **named: Any
    ) -> np.ndarray:
        """The like for a step's function that gives a NumPy array."""
        result = self.call(number, name, *arguments, **named)
        if not isinstance(result, np.ndarray):
            raise self._wrong(number, name, f"a NumPy array, not {_kind(result)}")
        if result.shape != shape or not np.isfinite(result).all():
            raise self._wrong(number, name, f"finite numbers of shape {shape}, not {_kind(result)}")
        return result

    def number(self, number: int, name: str, *arguments: Any) -> float:
        """The like for a step's function that gives one number: a float or a 0-dim tensor."""
        with self.blame(number, name):
            return float(getattr(self.modules[number], name)(*arguments))

    def tensor(self, number: int, name: str, result: Any, shape: tuple[int, ...]) -> Tensor:
        """A result as a tensor on the CPU; LearnerError where it is not finite or not of that shape."""
        if not isinstance(result, Tensor):
            raise self._wrong(number, name, f"a tensor, not {_kind(result)}")
        if tuple(result.shape) != shape or not bool(torch.isfinite(result).all()):
            raise self._wrong(number, name, f"finite numbers of shape {shape}, not {_kind(result)}")
        return result.detach().cpu()

    @contextlib.contextmanager
    def blame(
        self, number: int, name: str, let_through: tuple[type[BaseException], ...] = ()
    ) -> Iterator[None]:
        """What is done inside is that step's doing: its prints go to the log, its errors become a LearnerError.

        let_through: errors that are the caller's own.
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

    def _sentence(self, step_: Step, name: str, error: BaseException) -> str:
        """Where the last line of the implementation's own stands in the error's traceback, and what to do."""
        owners = {str(f): n for n, files in self._files().items() for f in files}
        place, last = "", ""
        for frame, line in traceback.walk_tb(error.__traceback__):
            last = frame.f_code.co_filename
            if last in owners:
                step_, name = step_by_number(owners[last]), frame.f_code.co_qualname
                place = f", line {line}"
        path = self._path(step_)
        if isinstance(error, NotImplementedError) and last in owners:
            return (
                f"{path}{place}: {name} is not written yet (step {step_.number}, {step_.title}). "
                f"Fill it in and run `pytest tests/{step_.test_file} -x`, or say --impl solutions."
            )
        what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":. ")
        return (
            f"{path}{place}, in {name} (step {step_.number}): {what}. "
            f"Run `pytest tests/{step_.test_file} -x{self._option()}` to see what must hold."
        )

    def _wrong(self, number: int, name: str, must: str) -> StepCallError:
        step_ = step_by_number(number)
        return StepCallError(
            f"{self._path(step_)}: {name} (step {number}) must return {must}. "
            f"Run `pytest tests/{step_.test_file} -x{self._option()}` to see what must hold."
        )

    def _files(self) -> dict[int, tuple[Path, ...]]:
        modules = {n: (Path(str(m.__file__)),) for n, m in self.modules.items()}
        return {**modules, **self.implementation.files}

    def _path(self, step_: Step) -> str:
        return shown(self._files()[step_.number][-1])

    def _option(self) -> str:
        path = shown(self.implementation.path)
        return "" if path == "exercises" else f" --impl {path}"


def _kind(result: Any) -> str:
    if isinstance(result, Tensor | np.ndarray):
        finite = np.isfinite(
            np.asarray(result.detach().cpu() if isinstance(result, Tensor) else result)
        )
        return f"one of shape {tuple(result.shape)}" + (
            "" if finite.all() else " with nan or inf in it"
        )
    return type(result).__name__
