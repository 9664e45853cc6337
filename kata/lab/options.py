"""What `kata generate` and `kata evaluate` are asked for in words, read and refused before any work is done."""

import math
import os
from pathlib import Path

from kata.course.errors import KataError
from kata.course.files import shown
from kata.train.samplers import WHOLE, Interval

LARGEST_SCALE = 1000.0
"""Beyond it a velocity in single precision overflows sooner or later."""


class OptionError(KataError):
    """Something that was asked for cannot be done; the message is one sentence that says why and what to say."""


def scale_of(value: float | str, option: str = "--scale") -> float:
    """A guidance scale: any finite number, up to LARGEST_SCALE either way."""
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
    """Guidance scales with commas between them, in rising order, each once."""
    return sorted({scale_of(part.strip(), "--scales") for part in text.split(",")})


def interval_of(text: str | None) -> Interval:
    """`LO,HI` with 0 <= LO <= HI <= 1; None is the whole of time."""
    if text is None:
        return WHOLE
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
    """That path, if a file of that suffix can be written there."""
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
