"""Questions: what a step is asked, and what it answered.

A question calls a step on inputs made from a seed and returns tensors; it holds no right answer. It has the name of
the test that it stands for, so `criteria/step03.py` asks what `tests/test_step03_guidance.py` tests. Its rule stands
below it, and is not loaded where questions are asked in a sandbox.
"""

import importlib
import pkgutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from kata.course.steps import Step

Asking = Callable[[ModuleType, torch.Generator], Mapping[str, object]]


class Question(Protocol):
    """A function of the step under test and a generator to draw inputs from, to results by name."""

    of: str
    """The public name of the step that it asks about."""

    def __call__(self, step: ModuleType, g: torch.Generator) -> Mapping[str, object]: ...


@dataclass(frozen=True)
class Answer:
    """The answer to one question: tensors by name; or `error`, a class name, and its message."""

    values: Mapping[str, Tensor] = field(default_factory=dict)
    error: str = ""
    message: str = ""


def asks(of: str) -> Callable[[Asking], Asking]:
    """Mark a function as a question about that public name: `@asks("guide")`."""

    def mark(function: Asking) -> Asking:
        function.of = of  # type: ignore[attr-defined]
        return function

    return mark


def questions_of(step: Step) -> dict[str, Question]:
    """The questions of a step by name, in the order of its files: `step06.py`, then `step06_*.py`."""
    import kata.criteria

    found: dict[str, Question] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(kata.criteria.__path__)):
        if module.partition("_")[0] == step.folder:
            names = vars(importlib.import_module(f"kata.criteria.{module}"))
            found |= {name: value for name, value in names.items() if hasattr(value, "of")}
    return found


def ask(module: ModuleType, step: Step, seed: int) -> dict[str, Answer]:
    """Ask a step everything; an answer to every question, whatever the step does.

    module: the step under test; seed: of all inputs and of torch's global generator, 0 .. 2 ** 63 -
    1. Only KeyboardInterrupt passes through.
    """
    return {name: answer(question, module, seed) for name, question in questions_of(step).items()}


def answer(question: Question, module: ModuleType, seed: int) -> Answer:
    """What a step answers to one question."""
    name = getattr(question, "__name__", "")
    own = (seed ^ zlib.crc32(name.encode())) % 2**63
    torch.manual_seed(
        own ^ 1
    )  # another seed: what the step draws must not be what the question drew
    try:
        results = question(module, torch.Generator().manual_seed(own))
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


CLASS_COUNTS = (3, 7, 10)
"""Numbers of classes that steps are tested with."""

LIMITS = (-1.0, -0.1, -0.04, -0.02, -0.01, -0.003, 0.0, 0.003, 0.01, 0.02, 0.04, 0.1, 1.0)


def below_limits(table: Tensor) -> dict[str, Tensor]:
    """Count the numbers in each row of a new table that are below each of the LIMITS."""
    return {f"below {limit}": (table < limit).sum(1) for limit in LIMITS}


def gradients(result: Tensor, weights: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """The gradient of (result * weights).sum() in each of the inputs, zeros where none reaches it."""
    loss = (result * weights).sum()
    if not loss.requires_grad:
        return {name: torch.zeros_like(value) for name, value in inputs.items()}
    found = torch.autograd.grad(
        loss, list(inputs.values()), allow_unused=True, materialize_grads=True
    )
    return {name: value.to_dense() for name, value in zip(inputs, found, strict=True)}


def images(g: torch.Generator, count: int, shape: tuple[int, ...]) -> Tensor:
    """Images `(count, *shape)` whose pixels leave [-1, 1] more often than not."""
    return 3 * torch.randn(count, *shape, generator=g)


def branch(g: torch.Generator) -> torch.Generator:
    """A generator for the step to draw from: however it does so, the inputs that come from g stay the same."""
    return torch.Generator().manual_seed(int(torch.randint(2**31, (), generator=g)))


def tally(noise: Tensor) -> Tensor:
    """How many numbers lie above 0, within 0.6745 of 0, more than 2 and more than 2.8 away from 0: `(4,)`."""
    size = noise.abs()
    return torch.stack(
        [(noise > 0).sum(), *(part.sum() for part in (size < 0.6745, size > 2, size > 2.8))]
    )


def with_generators(
    draw: Callable[[torch.Generator], Tensor], g: torch.Generator
) -> dict[str, object]:
    """What is drawn with a generator of one seed, twice, and of another; and whether the global one was touched."""
    one, other = branch(g), branch(g)
    again = one.clone_state()
    state = torch.get_rng_state()
    drawn = [draw(source) for source in (one, again, other)]
    touched = not torch.equal(state, torch.get_rng_state())
    return {"first": drawn[0], "again": drawn[1], "other": drawn[2], "global touched": touched}


def with_the_global_one(draw: Callable[[None], Tensor]) -> dict[str, object]:
    """What is drawn from torch's global generator, twice in a row, and again from its first state."""
    state = torch.get_rng_state()
    first, other = draw(None), draw(None)
    torch.set_rng_state(state)
    return {"first": first, "other": other, "again": draw(None)}
