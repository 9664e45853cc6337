"""Assertions that explain a failure in one paragraph.

It says what was called, what came back, what was expected and what to try next.
"""

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from kata.testing.bounds import FALSE_ALARM, binomial_bounds

LABEL_ERRORS = (IndexError, ValueError, TypeError, RuntimeError)
"""Errors that may refuse bad labels: those of the docstrings, or torch's own for a wrong dtype."""


def fail(called: str, got: str, must: str, hint: str = "") -> NoReturn:
    """Raise an AssertionError of up to four sentences: called, got, expected, what to try.

    called: the call, as in "f(1)". got: what the call did, as in "returned 2", or a whole sentence,
    which begins with a capital letter or a number. must: the property that was expected. hint: what
    to try next. Each sentence starts a line; a line that continues one is indented.
    """
    __tracebackhide__ = True
    whole = got[0].isupper() or got[0].isdigit()
    sentences = [f"Called {called}", got if whole else f"It {got}", f"Expected: {must}"]
    if hint:
        sentences.append(f"Try: {hint}")
    raise AssertionError("\n".join(_wrapped(sentence) for sentence in sentences))


def check_that(holds: object, *, called: str, got: str, must: str, hint: str = "") -> None:
    """Fail with these words unless `holds` is true."""
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

    tolerance: the largest difference allowed, relative to the largest expected value or to 1,
    whichever is greater. dtype: whether the dtypes of two tensors must agree.
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
        wanted = f"expected a NumPy array of shape {expected.shape}"
        if not isinstance(actual, np.ndarray):
            fail(called, f"returned {described(actual)}; {wanted}", must, hint)
        if actual.shape != expected.shape:
            fail(called, f"returned an array of shape {actual.shape}; {wanted}", must, hint)
    elif not is_number(actual):
        wanted = f"expected the number {expected:.6g}"
        fail(called, f"returned {described(actual)}; {wanted}", must, hint)
    a, e = _as_float64(actual), _as_float64(expected)
    if a.size == 0:
        return
    difference = np.abs(a - e)
    worst = np.unravel_index(
        np.argmax(np.where(np.isnan(difference), np.inf, difference)), difference.shape
    )
    if not difference[worst] <= tolerance * max(1.0, float(np.abs(e).max())):
        place = f"At {[int(i) for i in worst]} it " if worst else ""
        fail(called, f"{place}returned {a[worst]:.6g}; expected {e[worst]:.6g}", must, hint)


def check_tensor(
    actual: object,
    shape: tuple[int, ...],
    dtype: torch.dtype | None = None,
    *,
    called: str,
    must: str,
    hint: str = "",
) -> None:
    """Fail unless `actual` is a tensor of that shape and, if one is named, of that dtype."""
    __tracebackhide__ = True
    if not isinstance(actual, Tensor):
        fail(
            called, f"returned {described(actual)}; expected a tensor of shape {shape}", must, hint
        )
    if tuple(actual.shape) != shape:
        found = f"returned a tensor of shape {tuple(actual.shape)}"
        fail(called, f"{found}; expected shape {shape}", must, hint)
    if dtype is not None and actual.dtype != dtype:
        fail(called, f"returned a tensor of {actual.dtype}; expected {dtype}", must, hint)


def check_raises(
    kinds: type[Exception] | tuple[type[Exception], ...],
    call: Callable[[], object],
    *,
    called: str,
    must: str,
    hint: str = "",
) -> None:
    """Fail unless the call raises one of `kinds`.

    NotImplementedError, which is a RuntimeError, passes through: the step is not written yet.
    """
    __tracebackhide__ = True
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    wanted = "expected " + " or ".join(k.__name__ for k in kinds if k is not RuntimeError)
    try:
        result = call()
    except NotImplementedError:
        raise
    except kinds:
        return
    except Exception as error:
        fail(called, f"raised {type(error).__name__}: {error}; {wanted}", must, hint)
    fail(called, f"returned {described(result)} and raised nothing; {wanted}", must, hint)


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
    """Fail unless Binomial(trials, probability) gives such a count.

    A correct answer fails once in 10^9 runs. what: how the sentence goes on after "4 of 10", as in
    "labels came back null". parts: how many checks of a test share that one chance.
    """
    __tracebackhide__ = True
    low, high = binomial_bounds(trials, probability, FALSE_ALARM / parts)
    count = int(count)
    share = {0: f"None of {trials:,}", trials: f"All {trials:,}"}.get(
        count, f"{count:,} of {trials:,}"
    )
    wanted = f"{low:,} to {high:,}" if low < high else f"{low:,}"
    check_that(
        low <= count <= high,
        called=called,
        got=f"{share} {what}; expected {wanted}",
        must=must,
        hint=hint,
    )


def check_standard_normal(values: Tensor, *, called: str, hint: str = "") -> None:
    """Fail unless the numbers look like independent draws from N(0, 1).

    A correct answer fails once in 10^9 runs.
    """
    __tracebackhide__ = True
    for where, holds, probability in (
        ("above 0", values > 0, 0.5),
        ("within 0.6745 of 0", values.abs() < 0.6745, 0.5000065),
        ("more than 2 away from 0", values.abs() > 2, 0.0455003),
    ):
        check_count(
            holds.sum(),
            values.numel(),
            probability,
            called=called,
            what=f"numbers of the noise are {where}",
            must=f"the noise is drawn from N(0, 1), so {probability:.1%} of it is {where}",
            hint=hint,
            parts=3,
        )


@contextmanager
def unchanged(called: str, **inputs: Tensor | np.ndarray) -> Iterator[None]:
    """Fail if one of the named inputs is changed inside the `with` block."""
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
            must="every argument stays as it is, because the caller still needs it",
            hint="avoid operations in place: write `a = a + b` instead of `a += b`, "
            "and make a new tensor instead of `a[mask] = ...`",
        )


def is_number(value: object) -> bool:
    """Return whether a value is a plain number, or a tensor or array without axes."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return value.ndim == 0
    return isinstance(value, int | float) and not isinstance(value, bool)


def described(value: object) -> str:
    """Describe a value in a few words."""
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _wrapped(sentence: str) -> str:
    """End a sentence with its mark and wrap it."""
    if not sentence.endswith((".", "?", "!", "…")):
        sentence += "."
    return textwrap.fill(
        sentence, 84, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _as_float64(value: object) -> np.ndarray:
    if isinstance(value, Tensor):
        return value.detach().to("cpu", torch.float64).numpy()
    return np.asarray(value, dtype=np.float64)
