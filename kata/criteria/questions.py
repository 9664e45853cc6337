"""Questions: inputs for a step, and the tensors that it answers with.

A question calls a step on inputs made from a seed and returns tensors; it holds no expected values.
It has the name of a test, which imports its inputs from the same file: `criteria/step03.py` goes
with `tests/test_step03_guidance.py`. A question's rule stands below it; the sandbox never loads it.
"""

import importlib
import pkgutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from kata.course.loader import own_line, words_of_error
from kata.course.steps import Step
from kata.testing.devices import ELSEWHERE, elsewhere, two_devices
from kata.testing.models import StandIn

Asking = Callable[[ModuleType, torch.Generator], Mapping[str, object]]


class Question(Protocol):
    """A function of the step under test and a generator for inputs that returns named results."""

    of: str
    """The public name of the step that the question is about."""

    def __call__(self, step: ModuleType, g: torch.Generator) -> Mapping[str, object]: ...


@dataclass(frozen=True)
class Answer:
    """The answer to one question: named tensors, or an error.

    error: the name of its class, or NOT_DEFINED; message: its own words, which no sandbox hands
    on; line: the last line of the step's file that led to it, or 0.
    """

    values: Mapping[str, Tensor] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    line: int = 0


NOT_DEFINED = "NotDefined"
"""Stands for the class of an error if the step's file lacks the name that was asked about."""


def asks(of: str) -> Callable[[Asking], Asking]:
    """Mark a function as a question about a public name: `@asks("guide")`."""

    def mark(function: Asking) -> Asking:
        function.of = of  # type: ignore[attr-defined]
        return function

    return mark


@cache
def questions_of(step: Step) -> dict[str, Question]:
    """Return the questions of a step by name, in the order of `step06.py`, then `step06_*.py`."""
    import kata.criteria

    found: dict[str, Question] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(kata.criteria.__path__)):
        if module.partition("_")[0] == step.folder:
            names = vars(importlib.import_module(f"kata.criteria.{module}"))
            found |= {name: value for name, value in names.items() if hasattr(value, "of")}
    return found


def ask(module: ModuleType, step: Step, seed: int) -> dict[str, Answer]:
    """Ask a step all its questions, and return an answer to each, whatever the step does.

    module: the step under test; seed: 0 .. 2 ** 63 - 1, for all inputs and for torch's global
    generator. Only KeyboardInterrupt passes through.
    """
    return {name: answer(question, module, seed) for name, question in questions_of(step).items()}


def answer(question: Question, module: ModuleType, seed: int) -> Answer:
    """Return the answer of a step to one question."""
    name = getattr(question, "__name__", "")
    own = (seed ^ zlib.crc32(name.encode())) % 2**63
    torch.set_default_dtype(torch.float32)  # an earlier question's call may have changed it
    torch.set_grad_enabled(True)
    # Another seed, so that the step does not draw the question's inputs.
    torch.default_generator.manual_seed(own ^ 1)
    try:
        results = question(module, torch.Generator().manual_seed(own))
        return Answer({name: plain(value) for name, value in results.items()})
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a step may even call sys.exit()
        return _raised(error, module)


def _raised(error: BaseException, module: ModuleType) -> Answer:
    try:
        missing = isinstance(error, AttributeError) and error.obj is module
        kind = NOT_DEFINED if missing else type(error).__name__
        line = own_line(error, getattr(module, "__file__", None) or "")
        return Answer(error=kind, message=words_of_error(error)[:500], line=line)
    except BaseException:  # a class of the step's own, with properties that raise
        return Answer(error="Exception")


def plain(value: object) -> Tensor:
    """Return a copy of a result as a tensor on the CPU.

    Raise TypeError if it is not a tensor, an array or a number.
    """
    if type(value) in (Tensor, torch.nn.Parameter):
        assert isinstance(value, Tensor)
        return value.detach().to("cpu", copy=True)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))
    if isinstance(value, bool | int | float | np.generic):
        return torch.tensor(value)
    raise TypeError(f"expected a tensor, got {type(value).__name__}")


REFUSALS = {ValueError: 1, IndexError: 2, TypeError: 3, RuntimeError: 4}
"""Numbers for the classes of errors that a step may raise on bad input; any other error is 5."""


def tried(call: Callable[[], object]) -> object:
    """Return the result of a call or, if it raises, the number of its error in REFUSALS.

    NotImplementedError passes through: it means that the step is not written yet.
    """
    try:
        return call()
    except NotImplementedError:
        raise
    except Exception as error:
        return next((number for kind, number in REFUSALS.items() if isinstance(error, kind)), 5)


def refusal(call: Callable[[], object]) -> object:
    """Return how a call ended: 0 if it returned, else the number of its error in REFUSALS."""

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
    """Return the gradients of (result * weights).sum() in the inputs; zeros if none arrives."""
    loss = (result * weights).sum()
    if not loss.requires_grad:
        return {name: torch.zeros_like(value) for name, value in inputs.items()}
    found = torch.autograd.grad(
        loss, list(inputs.values()), allow_unused=True, materialize_grads=True
    )
    return {name: value.to_dense() for name, value in zip(inputs, found, strict=True)}


IMAGE_SHAPE = (3, 4, 6)
"""The shape of most images that samplers draw: as wide as the batches of six are long."""

NEAR = 1e-3
"""Up to this time x_t is so near x0 that rounding hides the noise."""

NOISE_SHAPE = (3, 20, 25)
"""The shape of images in which the noise of samplers is counted."""


def images(g: torch.Generator, count: int, shape: tuple[int, ...] = IMAGE_SHAPE) -> Tensor:
    """Draw images `(count, *shape)`; more than half of their pixels lie outside [-1, 1]."""
    return 3 * torch.randn(count, *shape, generator=g)


def branch(g: torch.Generator) -> torch.Generator:
    """Return a generator for the step: what it draws does not change the inputs that g draws."""
    return torch.Generator().manual_seed(int(torch.randint(2**31, (), generator=g)))


def random_sources(g: torch.Generator) -> dict[str, torch.Generator | None]:
    """Return the two sources of random numbers that a step can be given, by name."""
    return {"own generator": branch(g), "global generator": None}


THERE = ELSEWHERE.type
PLACES = [(THERE, None), ("cpu", THERE)]
"""The device of a model's parameter, and the argument `device`: the images must be THERE."""


class Traveller(StandIn):
    """A model with a parameter on a device that can be called anywhere."""

    def __init__(self, home: str) -> None:
        super().__init__(3)
        weight = torch.ones(1)
        self.weight = nn.Parameter(elsewhere(weight) if home == THERE else weight)

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return x


def devices_met(draw: Callable[[StandIn], Tensor], home: str) -> list[str]:
    """Return the devices on which a model is called and on which the result is: each once."""
    with two_devices():
        model = Traveller(home)
        given = [
            draw(model),
            *(value for call in model.calls for value in call if value is not None),
        ]
    return sorted({value.device.type for value in given})


def noise_counts(noise: Tensor) -> dict[str, Tensor]:
    """Count in noise `(N, ...)` what `kata.testing.bounds.noise_shares` gives the shares of."""
    rows = noise.double().flatten(1)
    count, pixels = rows.shape
    length = rows.square().sum(1) - pixels
    return {
        "numbers": tally(rows),
        "tails": torch.stack([(rows.abs() > far).sum() for far in (3.2, 4.0)]),
        "sums over samples": tally(rows.sum(0) / count**0.5),
        "sums over pixels": tally(rows.sum(1) / pixels**0.5),
        "squared lengths": (length.abs() < 0.6745 * (2 * pixels) ** 0.5).sum()[None],
    }


def tally(noise: Tensor) -> Tensor:
    """Count numbers above 0, within 0.6745 of 0, and more than 2 and 2.8 away from it: `(4,)`."""
    size = noise.abs()
    return torch.stack(
        [(noise > 0).sum(), *(part.sum() for part in (size < 0.6745, size > 2, size > 2.8))]
    )


def with_generators(draw: Callable[[torch.Generator], Any], g: torch.Generator) -> dict[str, Any]:
    """Draw with a generator, again with one of the same seed, and with one of another seed.

    `global touched` says whether torch's global generator changed meanwhile.
    """
    one, other = branch(g), branch(g)
    again = one.clone_state()
    state = torch.get_rng_state()
    drawn = [draw(source) for source in (one, again, other)]
    touched = not torch.equal(state, torch.get_rng_state())
    return {"first": drawn[0], "again": drawn[1], "other": drawn[2], "global touched": touched}


def with_the_global_one(draw: Callable[[None], Any]) -> dict[str, Any]:
    """Draw twice in a row with torch's global generator, and again from its first state."""
    state = torch.get_rng_state()
    first, other = draw(None), draw(None)
    torch.set_rng_state(state)
    return {"first": first, "other": other, "again": draw(None)}


def traces(draw: Callable[[StandIn], Tensor], model: StandIn) -> dict[str, object]:
    """Draw with a model in train mode, and return what shows that sampling took place."""
    model.train()
    with torch.enable_grad():
        result = draw(model)
    return {
        "graph": result.requires_grad,
        "in train mode": any(model.modes),
        "after": model.training,
    }


LAYER_MODES = {
    "train": (True, True),
    "eval": (False, False),
    "train, a layer in eval": (True, False),
    "eval, a layer in train": (False, True),
}
"""The modes of a model and of a layer inside it, before it is handed over."""


def traces_from(
    draw: Callable[[StandIn], Tensor], model: StandIn, mode: str, autograd: bool
) -> dict[str, object]:
    """Draw with a model in one of the LAYER_MODES, and return what shows how it was treated.

    The model has a frozen parameter, and another one has a gradient; autograd: whether it is on.
    """
    seen: list[bool] = []
    model.inside = nn.Sequential(nn.Dropout())
    model.frozen = nn.Parameter(torch.ones(1), requires_grad=False)
    weight = next(model.parameters())
    weight.grad = torch.ones_like(weight)
    model.train(LAYER_MODES[mode][0])
    model.inside.train(LAYER_MODES[mode][1])
    layers = list(model.modules())
    model.register_forward_pre_hook(lambda *_: seen.append(any(m.training for m in layers)))
    before = [layer.training for layer in layers]
    with torch.set_grad_enabled(autograd):
        result = draw(model)
        kept = torch.is_grad_enabled() == autograd
    return {
        "graph": result.requires_grad,
        "a layer in train mode": any(seen),
        "modes kept": before == [layer.training for layer in layers],
        "autograd kept": kept,
        "gradient kept": weight.grad is not None and bool((weight.grad == 1).all()),
        "frozen kept": weight.requires_grad and not model.frozen.requires_grad,
    }
