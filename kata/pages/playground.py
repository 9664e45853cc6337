"""The data of the playground: samples computed beforehand, among which its controls choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kata.figures.curve import Curve, movable_curve
from kata.figures.images import sheet
from kata.pages import data_uri


@dataclass(frozen=True)
class Walks:
    """Samples on their way from noise to image.

    points, ends: `(digits, noises, times, scales, H, W)`, pixels in [-1, 1] and beyond: the
    samples, and the images that their velocities point to; read: int `(digits, noises, scales)`,
    the digit that each finished sample is read as; times fall from 1 to 0.
    """

    scales: Sequence[float]
    times: Sequence[float]
    points: np.ndarray
    ends: np.ndarray
    read: np.ndarray


def playground_of(walks: Walks, curve: Curve | None) -> dict[str, Any]:
    """Return what `playground.html` needs; its `data` is for the script. curve: None leaves it
    out.
    """
    digits, noises, _, _, height, width = walks.points.shape
    movable = movable_curve(curve, walks.scales) if curve else None
    return {
        "digits": digits,
        "noises": noises,
        "curve": movable,
        "samples": curve.samples if curve else None,
        "data": {
            "scales": list(walks.scales),
            "times": [round(t, 4) for t in walks.times],
            "height": height,
            "width": width,
            "sample": [_address(images) for images in walks.points],
            "end": [_address(images) for images in walks.ends],
            "read": walks.read.tolist(),
            "curve": [
                {**curve.at(scale), "moves": moves}
                for scale, moves in zip(walks.scales, movable.moves, strict=True)
            ]
            if curve and movable
            else None,
        },
    }


def _address(images: np.ndarray) -> str:
    """Return a sheet of images `(..., H, W)`, in the order of their indices, as a data URI."""
    return data_uri(sheet(images.reshape(-1, *images.shape[-2:])), "image/webp")
