"""The options of the commands: what they say is read, or refused, before any work is done."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kata.course import KataError
from kata.course.files import find_root, shown
from kata.train.samplers import ALL_TIMES, Interval

LARGEST_SCALE = 1000.0
"""Beyond it a velocity in single precision overflows sooner or later."""


class OptionError(KataError):
    """What an option says cannot be done."""


def scale_of(value: float | str, option: str = "--scale") -> float:
    """Return a guidance scale: a number from -LARGEST_SCALE to LARGEST_SCALE."""
    try:
        scale = float(value)
    except ValueError:
        scale = math.nan
    if not abs(scale) <= LARGEST_SCALE:
        raise OptionError(
            f"{option} {value}: a guidance scale is a number from {-LARGEST_SCALE:g} to {LARGEST_SCALE:g}; "
            "0 is unconditional, 1 conditional, 4 strong."
        )
    return scale


def scales_of(text: str) -> list[float]:
    """Return the guidance scales of a list with commas, in rising order, each once."""
    return sorted({scale_of(part.strip(), "--scales") for part in text.split(",")})


def interval_of(text: str | None) -> Interval:
    """Return the interval of `LO,HI`, 0 <= LO <= HI <= 1; None means all times."""
    if text is None:
        return ALL_TIMES
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low, high = math.nan, math.nan
    if not 0 <= low <= high <= 1:
        raise OptionError(
            f"--interval {text}: say two times from 0 (data) to 1 (noise), the smaller first, such as 0.2,0.8."
        )
    return low, high


def file_to_write(path: Path | None, option: str, suffix: str) -> Path | None:
    """Return that path if a file of that suffix can be written there."""
    if path is None:
        return None
    path = path.expanduser()
    if path.suffix.lower() != suffix:
        raise OptionError(f"{option} {shown(path)}: the file's name must end with {suffix}.")
    folder = path.resolve().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OptionError(
            f"{option} {shown(path)}: cannot write there; name a file in a folder that exists and is yours."
        )
    return path


def run_folder(out: Path | None, name: str, otherwise: str = "name a new folder.") -> Path:
    """Return the folder of a new run: `out`, or one in checkpoints/runs/ with that name and the
    time.

    Raise OptionError if `out` holds something already; otherwise: what to do then.
    """
    if out is None:
        stem = find_root() / "checkpoints" / "runs" / f"{name}-{time.strftime('%Y-%m-%d-%H%M%S')}"
        folders = (stem if n == 1 else Path(f"{stem}-{n}") for n in range(1, 1000))
        return next(folder for folder in folders if not folder.exists()).resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OptionError(f"--out {shown(out)}: it is there already; {otherwise}")
    return out.resolve()


@contextmanager
def writing_to(path: Path, option: str = "--out", what: str = "folder") -> Iterator[None]:
    """Turn an error of writing inside into an OptionError: option, path, why, and what to do."""
    try:
        yield
    except OSError as error:
        raise OptionError(
            f"{option} {shown(path)}: cannot write there ({error.strerror or error}); "
            f"name another {what}."
        ) from None
