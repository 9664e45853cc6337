"""Nothing of the caller's is changed: checked around every call of a step's functions.

The fixture `step` of the tests is a guarded module, so that each test checks it without saying so.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from kata.testing.assertions import fail

_EXPECTED = "everything that the caller handed over stays as it is, and so do torch's settings"
_HINTS = {
    "value": "avoid operations in place: write `a = a + b` instead of `a += b`, "
    "and make a new tensor instead of `a[mask] = ...`",
    "mode": "remember `model.training` of every layer before eval(), and put it back",
    "gradient": "leave requires_grad and .grad of tensors that are not yours alone",
    "setting": "use `with torch.no_grad():`, or the decorator, which put the setting back",
    "draws": "draw from the generator that was given; the global one is for calls without it",
}


class Guarded:
    """A module of a step; calls of its public functions fail if they change what is the caller's.

    Everything else is the module's own: classes, constants, the error for a missing name.
    """

    def __init__(self, module: ModuleType, public: Iterable[str]) -> None:
        self._module, self._public = module, set(public)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if name in self._public and inspect.isfunction(value):
            value = guarded(value)
            setattr(self, name, value)
        return value


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with a check after every call; its own errors get the call as a note."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        given = _given(function, arguments, named)
        before = list(_facts(given, Tensor.clone))
        try:
            result = function(*arguments, **named)
        except Exception as error:
            error.add_note(_call_of(function.__name__, given))
            raise
        _check(function.__name__, given, before)
        return result

    return call


def call_of_method(frame: FrameType) -> str:
    """Return the call that a frame of a method belongs to, or "" for a frame of a function.

    A class that is made is `Class(...)`, another method `Class.method(...)`. Arguments are
    described as they are now.
    """
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if names[:1] != ("self",):
        return ""
    given = {name: frame.f_locals[name] for name in names[1:] if name in frame.f_locals}
    return _call_of(code.co_qualname.removesuffix(".__init__"), given)


class _Fact(NamedTuple):
    """Something that must be the same after a call: what, in words; its kind, for the hint."""

    what: str
    kind: str
    value: Any
    restore: Callable[[Any], object] | None = None


def _check(name: str, given: dict[str, Any], before: list[_Fact]) -> None:
    __tracebackhide__ = True
    for old, new in zip(before, _facts(given, Tensor.detach), strict=True):
        if not _same(old.value, new.value):
            if old.restore is not None:
                old.restore(old.value)  # the next test must not suffer
            fail(_call_of(name, given), f"changed {old.what}", _EXPECTED, _HINTS[old.kind])


def _call_of(name: str, given: dict[str, Any]) -> str:
    """Return a call as a person would write it down."""
    return f"{name}({', '.join(_described(*item) for item in given.items())})"


_signature = functools.lru_cache(inspect.signature)


def _given(
    function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by their names."""
    try:
        return dict(_signature(function).bind(*arguments, **named).arguments)
    except TypeError:  # the call itself will say what does not fit
        return {**{f"argument {i}": value for i, value in enumerate(arguments, 1)}, **named}


def _facts(given: dict[str, Any], kept: Callable[[Tensor], Tensor]) -> Iterator[_Fact]:
    """Yield the facts about the arguments and about torch; kept: what to keep of a tensor."""
    for name, value in given.items():
        if isinstance(value, nn.Module):
            yield _Fact(f"the mode of {name}", "mode", [m.training for m in value.modules()])
            for part, tensor in [*value.named_parameters(), *value.named_buffers()]:
                yield from _facts_of(f"{name}.{part}", tensor, kept)
        elif isinstance(value, Tensor):
            yield from _facts_of(f"its argument {name}", value, kept)
        elif isinstance(value, np.ndarray | list | dict):
            yield _Fact(f"its argument {name}", "value", value.copy())
    recorded, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    yield _Fact("whether gradients are recorded", "setting", recorded, torch.set_grad_enabled)
    yield _Fact("torch's default dtype", "setting", dtype, torch.set_default_dtype)
    if isinstance(given.get("generator"), torch.Generator):
        yield _Fact("the state of torch's global generator", "draws", torch.get_rng_state())


def _facts_of(what: str, tensor: Tensor, kept: Callable[[Tensor], Tensor]) -> Iterator[_Fact]:
    has_values = not tensor.is_meta
    yield _Fact(what, "value", kept(tensor.detach()) if has_values else None)
    yield _Fact(f"requires_grad of {what}", "gradient", tensor.requires_grad)
    gradient = tensor.grad if tensor.is_leaf and has_values else None
    yield _Fact(
        f"the gradient of {what}", "gradient", None if gradient is None else kept(gradient.detach())
    )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all())
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, list | dict):
        return bool(a == b)
    return a is b or (not isinstance(a, Tensor) and not isinstance(b, Tensor) and bool(a == b))


def _described(name: str, value: Any) -> str:
    """Describe an argument as a person would write it down."""
    if isinstance(value, Tensor | np.ndarray):
        return f"{name} of shape {tuple(value.shape)}"
    if isinstance(value, int | float | str | tuple | list | None):
        return f"{name}={value!r}"
    return name
