"""The data of the moving picture in the plane: walks computed beforehand, among which its sliders
choose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

UNIT = 100
"""Units of the drawing in one unit of the plane."""

HALF_WIDTH, HALF_HEIGHT = 4.0, 2.9
"""How far the drawing reaches from the origin, in units of the plane."""

START_SCALE = 1.0


@dataclass(frozen=True)
class PlaneWalks:
    """Points in the plane on their way from noise to two classes, at several guidance scales.

    scales: (S,), rising; times: (T,), falling from 1 to 0; classes: int `(N,)`, 0 or 1; points:
    `(S, T, N, 2)`; unconditional, conditional: velocities at the points, of the same shape.
    """

    scales: Sequence[float]
    times: Sequence[float]
    classes: np.ndarray
    points: np.ndarray
    unconditional: np.ndarray
    conditional: np.ndarray


def plane_of(walks: PlaneWalks) -> dict[str, Any]:
    """Return what `plane.html` needs; its `data` is for the script.

    Without the script stands the end of the walk at START_SCALE, and the arrows in its middle. One
    point of each class is followed: its arrows are shown.
    """
    start = int(np.argmin(np.abs(np.asarray(walks.scales) - START_SCALE)))
    followed = [_most_turned(walks, start, k) for k in (0, 1)]
    points = _units(walks.points)
    data = {
        "scales": list(walks.scales),
        "times": [round(t, 4) for t in walks.times],
        "followed": followed,
        "points": points,
        "unconditional": _units(walks.unconditional[:, :, followed]),
        "conditional": _units(walks.conditional[:, :, followed]),
    }
    return {
        "box": [
            -HALF_WIDTH * UNIT,
            -HALF_HEIGHT * UNIT,
            2 * HALF_WIDTH * UNIT,
            2 * HALF_HEIGHT * UNIT,
        ],
        "classes": walks.classes.tolist(),
        "ends": points[start][-1],
        "start": start,
        "data": data,
    }


def _most_turned(walks: PlaneWalks, scale: int, k: int) -> int:
    """Return the point of class k whose two velocities differ most in direction over time."""
    u, c = walks.unconditional[scale], walks.conditional[scale]
    turned = np.abs(u[..., 0] * c[..., 1] - u[..., 1] * c[..., 0]).sum(0)
    return int(np.where(walks.classes == k, turned, -1.0).argmax())


def _units(values: np.ndarray) -> list[Any]:
    """Return vectors `(..., 2)` in whole units of the drawing, in which y points down."""
    found: list[Any] = np.rint(values * [UNIT, -UNIT]).astype(int).tolist()
    return found
