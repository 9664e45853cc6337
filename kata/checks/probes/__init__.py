"""Probes: what a step is asked, and what it answered.

A probe calls a step on inputs made from a seed and gives back tensors; it holds no right answer. It
bears the name of the test that it stands for, so `probes/step03.py` asks what
`tests/test_step03_guidance.py` tests. What the tensors must be is a verdict's business, elsewhere.
"""

import importlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from kata.course.manifest import Step

Asked = Callable[[ModuleType, torch.Generator], Mapping[str, object]]


class Probe(Protocol):
    """A function of a probe module: the step under test and a generator to draw inputs from, to named results."""

    of: str
    """The public name of the step that it asks about."""

    def __call__(self, step: ModuleType, g: torch.Generator) -> Mapping[str, object]: ...


@dataclass(frozen=True)
class Answer:
    """What one probe brought back: tensors by name; or `error`, a class name, and its message."""

    values: Mapping[str, Tensor] = field(default_factory=dict)
    error: str = ""
    message: str = ""


def asks(of: str) -> Callable[[Asked], Asked]:
    """Mark a function as a probe of that public name: `@asks("guide")`."""

    def mark(function: Asked) -> Asked:
        function.of = of  # type: ignore[attr-defined]
        return function

    return mark


def probes_of(step: Step) -> dict[str, Probe]:
    """The probes of a step by name, in the order of its probe module."""
    module = importlib.import_module(f"kata.checks.probes.{step.folder}")
    return {name: value for name, value in vars(module).items() if hasattr(value, "of")}


def ask(module: ModuleType, step: Step, seed: int) -> dict[str, Answer]:
    """Ask a step everything; an answer for every probe, whatever the step does.

    module: the step under test; seed: of all inputs and of torch's global generator, 0 .. 2 ** 63 -
    1. Only KeyboardInterrupt passes through.
    """
    return {name: answer(probe, module, seed) for name, probe in probes_of(step).items()}


def answer(probe: Probe, module: ModuleType, seed: int) -> Answer:
    """What a step answers to one probe."""
    name = getattr(probe, "__name__", "")
    own = (seed ^ zlib.crc32(name.encode())) % 2**63
    torch.manual_seed(own ^ 1)  # another seed: what the step draws must not be what the probe drew
    try:
        results = probe(module, torch.Generator().manual_seed(own))
        return Answer({name: plain(value) for name, value in results.items()})
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a step may even call sys.exit()
        return Answer(error=type(error).__name__, message=str(error)[:500])


def plain(value: object) -> Tensor:
    """A result as a tensor of its own on the CPU; TypeError where it is no tensor, array or number."""
    if type(value) in (Tensor, torch.nn.Parameter):
        assert isinstance(value, Tensor)
        return value.detach().to("cpu", copy=True)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))
    if isinstance(value, bool | int | float | np.generic):
        return torch.tensor(value)
    raise TypeError(f"expected a tensor, got {type(value).__name__}")


REFUSALS = {ValueError: 1, IndexError: 2, TypeError: 3, RuntimeError: 4}
"""The classes of errors by which a step may refuse what it is called with, as numbers; any other error is 5."""


def tried(call: Callable[[], object]) -> object:
    """What a call returns or, where it raises, the number of its error, as in REFUSALS.

    NotImplementedError passes through: it says that nothing was written yet.
    """
    try:
        return call()
    except NotImplementedError:
        raise
    except Exception as error:
        return next((number for kind, number in REFUSALS.items() if isinstance(error, kind)), 5)


def refusal(call: Callable[[], object]) -> object:
    """How a call ended, as a number: 0 where it returned, else that of its error."""

    def ended() -> int:
        call()
        return 0

    return tried(ended)


def gradients(result: Tensor, weights: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """The gradient of (result * weights).sum() in each of the inputs, zeros where none reaches it."""
    loss = (result * weights).sum()
    if not loss.requires_grad:
        return {name: torch.zeros_like(value) for name, value in inputs.items()}
    found = torch.autograd.grad(
        loss, list(inputs.values()), allow_unused=True, materialize_grads=True
    )
    return {name: value.to_dense() for name, value in zip(inputs, found, strict=True)}
