"""Comparisons that say, in one paragraph, what was called, what came back, what must hold and what to try next."""

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from kata.testing.bounds import FALSE_ALARM, binomial_bounds

LABEL_ERRORS = (IndexError, ValueError, TypeError, RuntimeError)
"""How bad labels may be refused: as the docstrings say, or by torch's own error for a wrong dtype."""


def fail(called: str, got: str, must: str, hint: str = "") -> NoReturn:
    """Raise the AssertionError of a check: `Called <called>. It <got>. <must>. Try: <hint>.`"""
    __tracebackhide__ = True
    sentences = [f"Called {called}.", f"It {got}.", f"What must hold: {must}."]
    if hint:
        sentences.append(f"Try: {hint}" if hint.endswith("?") else f"Try: {hint}.")
    raise AssertionError("\n".join(textwrap.fill(s, 84, break_long_words=False) for s in sentences))


def check_that(holds: object, *, called: str, got: str, must: str, hint: str = "") -> None:
    """Fail with those words unless `holds` is true."""
    __tracebackhide__ = True
    if not bool(holds):
        fail(called, got, must, hint)


def check_close(
    actual: object,
    expected: Tensor | np.ndarray | float,
    *,
    called: str,
    must: str,
    hint: str = "",
    tolerance: float = 1e-5,
    dtype: bool = True,
) -> None:
    """Fail unless `actual` has the type, shape, dtype and values of `expected`.

    tolerance: the largest difference allowed, as a share of the largest expected value or of 1,
    whichever is greater.
    """
    __tracebackhide__ = True
    if isinstance(expected, Tensor):
        check_tensor(
            actual,
            tuple(expected.shape),
            expected.dtype if dtype else None,
            called=called,
            must=must,
            hint=hint,
        )
    elif isinstance(expected, np.ndarray):
        if not isinstance(actual, np.ndarray):
            fail(
                called,
                f"returned {described(actual)}",
                f"{must}, as a NumPy array of shape {expected.shape}",
                hint,
            )
        if actual.shape != expected.shape:
            fail(
                called,
                f"returned an array of shape {actual.shape}",
                f"{must}, in shape {expected.shape}",
                hint,
            )
    elif not is_number(actual):
        fail(called, f"returned {described(actual)}", f"{must}: one number, {expected:.6g}", hint)
    a, e = _as_float64(actual), _as_float64(expected)
    if a.size == 0:
        return
    difference = np.abs(a - e)
    worst = np.unravel_index(
        np.argmax(np.where(np.isnan(difference), np.inf, difference)), difference.shape
    )
    if not difference[worst] <= tolerance * max(1.0, float(np.abs(e).max())):
        place = f" at {[int(i) for i in worst]}" if worst else ""
        fail(called, f"returned {a[worst]:.6g}{place} where {e[worst]:.6g} must be", must, hint)


def check_tensor(
    actual: object,
    shape: tuple[int, ...],
    dtype: torch.dtype | None = None,
    *,
    called: str,
    must: str,
    hint: str = "",
) -> None:
    """Fail unless `actual` is a tensor of that shape and, where one is named, of that dtype."""
    __tracebackhide__ = True
    if not isinstance(actual, Tensor):
        fail(called, f"returned {described(actual)}", f"{must}, as a tensor of shape {shape}", hint)
    if tuple(actual.shape) != shape:
        fail(
            called,
            f"returned a tensor of shape {tuple(actual.shape)}",
            f"{must}, in shape {shape}",
            hint,
        )
    if dtype is not None and actual.dtype != dtype:
        fail(called, f"returned a tensor of {actual.dtype}", f"{must}, in {dtype}", hint)


def check_raises(
    kinds: type[Exception] | tuple[type[Exception], ...],
    call: Callable[[], object],
    *,
    called: str,
    must: str,
    hint: str = "",
) -> None:
    """Fail unless the call raises one of `kinds`. NotImplementedError, which is a RuntimeError, is let through."""
    __tracebackhide__ = True
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    try:
        result = call()
    except NotImplementedError:
        raise
    except kinds:
        return
    except Exception as error:
        names = " or ".join(kind.__name__ for kind in kinds if kind is not RuntimeError)
        fail(called, f"raised {type(error).__name__}: {error}", f"{must} ({names})", hint)
    fail(called, f"returned {described(result)} and raised nothing", must, hint)


def check_count(
    count: int | Tensor,
    trials: int,
    probability: float,
    *,
    called: str,
    what: str,
    must: str,
    hint: str = "",
    parts: int = 1,
) -> None:
    """Fail unless `count` is one that Binomial(trials, probability) gives: refused by chance once in 10^9 runs.

    what: that which was counted, as in "4 of 10 <what>". parts: in how many such checks a test
    shares that one chance.
    """
    __tracebackhide__ = True
    low, high = binomial_bounds(trials, probability, FALSE_ALARM / parts)
    check_that(
        low <= int(count) <= high,
        called=called,
        got=f"gave {int(count)} of {trials} {what}",
        must=f"{must}; here chance gives {low} to {high}",
        hint=hint,
    )


def check_standard_normal(values: Tensor, *, called: str, hint: str = "") -> None:
    """Fail unless the numbers look drawn from N(0, 1), each for itself: refused by chance once in 10^9 runs."""
    __tracebackhide__ = True
    for what, holds, probability in (
        ("numbers above 0", values > 0, 0.5),
        ("numbers within 0.6745 of 0", values.abs() < 0.6745, 0.5000065),
        ("numbers more than 2 away from 0", values.abs() > 2, 0.0455003),
    ):
        check_count(
            holds.sum(),
            values.numel(),
            probability,
            called=called,
            what=what,
            must=f"the noise is N(0, 1), so {probability:.1%} of the {what}",
            hint=hint,
            parts=3,
        )


@contextmanager
def unchanged(called: str, **inputs: Tensor | np.ndarray) -> Iterator[None]:
    """Fail unless the named inputs are, after the `with` block, what they were before it."""
    __tracebackhide__ = True
    before = {name: np.array(_as_float64(value)) for name, value in inputs.items()}
    yield
    for name, value in inputs.items():
        after = _as_float64(value)
        check_that(
            after.shape == before[name].shape
            and np.array_equal(after, before[name], equal_nan=True),
            called=called,
            got=f"changed its argument {name}",
            must="no argument is changed: the caller goes on using it",
            hint="no operation in place: `a = a + b` instead of `a += b`, a new tensor instead of `a[mask] = ...`",
        )


def is_number(value: object) -> bool:
    """Whether a value is a plain number, or a tensor or array with a single element and no axes."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return value.ndim == 0
    return isinstance(value, int | float) and not isinstance(value, bool)


def described(value: object) -> str:
    """A value in a few words."""
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _as_float64(value: object) -> np.ndarray:
    if isinstance(value, Tensor):
        return value.detach().to("cpu", torch.float64).numpy()
    return np.asarray(value, dtype=np.float64)
