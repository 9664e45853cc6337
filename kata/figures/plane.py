"""Step 0 as one figure: paths, the walk, the field and guidance, with points in a plane."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kata.figures.style import BLUE, GREY, INK, MUTED, ORANGE, PAPER, CaptionedFigure, new_figure

CLASS_COLOURS = (BLUE, ORANGE)
"""Of class A and of class B."""

REACH = 3.2
"""How far the first three panels reach in each direction."""

SHORT = 0.16
"""The share of their length at which the arrows of a field are drawn."""

ARROW: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1}


def in_the_plane(
    paths: np.ndarray,
    directions: np.ndarray,
    walk: np.ndarray,
    labels: np.ndarray,
    places: np.ndarray,
    field: np.ndarray,
    time: float,
    arrows: Mapping[float, np.ndarray],
    start: np.ndarray,
) -> CaptionedFigure:
    """Show what points in a plane do between data and noise.

    paths: `(T, N, 2)`, points between data and noise by time; directions: `(N, 2)`, the velocities
    of these paths; walk: `(S, M, 2)`, noise that walks to data; labels: `(M,)`, 0 for class A and 1
    for B; places and field: `(G, 2)`, where the velocity of class B is shown at this time, and the
    velocity; arrows: by guidance scale, the velocity `(2,)` at start `(2,)`, at this time.
    """

    def draw() -> Figure:
        figure = new_figure(6.6)
        (one, two), (three, four) = figure.subplots(2, 2)
        _draw_paths(one, paths, directions)
        _draw_walk(two, walk, labels)
        class_b = walk[-1, labels == 1]
        three.quiver(*places.T, *(-SHORT * field).T, color=INK, width=0.004, **ARROW)
        three.set_title(f"The way of class B: -v at t = {time:g}")
        _draw_guidance(four, {w: start - time * v for w, v in arrows.items()}, start, time)
        for axes in (three, four):
            _dots(axes, class_b, s=7, color=ORANGE, alpha=0.5, zorder=1)
        for axes in (one, two, three, four):
            axes.set_aspect("equal")
            axes.set_xticks([])
            axes.set_yticks([])
        for axes in (one, two, three):
            axes.set_xlim(-REACH, REACH)
            axes.set_ylim(-REACH, REACH)
        return figure

    scales = " and ".join(f"{w:g}" for w in arrows if w > 1)
    return CaptionedFigure(
        "in_the_plane",
        "In the plane",
        "Each data point has a straight path to a noise point, and the velocity points along it. The walk goes "
        "back against the velocity: noise becomes the classes A and B. The arrows of one step show the way at "
        f"each place. Guidance makes an arrow longer: from v_u past v_c, here with w = {scales}. The tips, "
        "which are the denoised points x_t - t v, lie on one line. Beyond w = 1 they leave the class.",
        "Four panels of points in a plane. Straight paths from data to noise, with arrows. Grey trails from "
        "scattered noise to two small clouds, blue and orange. A field of arrows that leads to one cloud. Arrows "
        "from one point whose tips lie on a dashed line: null, class, and further out the guided ones.",
        draw,
    )


def _draw_paths(axes: Axes, paths: np.ndarray, directions: np.ndarray) -> None:
    """Draw dots along each path, its ends marked, and the velocity from the data on."""
    axes.quiver(*paths[0].T, *directions.T, color=GREY, width=0.006, **ARROW)
    for points in paths[1:-1]:
        _dots(axes, points, s=9, color=MUTED, zorder=3)
    _dots(axes, paths[0], s=26, color=INK, zorder=3, label="data, t = 0")
    _dots(axes, paths[-1], s=26, facecolor="white", edgecolor=INK, zorder=3, label="noise, t = 1")
    axes.set_title("Paths, and v as arrows")
    axes.legend(loc="lower left", handletextpad=0.1, borderaxespad=0)


def _draw_walk(axes: Axes, walk: np.ndarray, labels: np.ndarray) -> None:
    """Draw the trail of each point, grey where it begins and in its class's colour at its end."""
    for label, colour in enumerate(CLASS_COLOURS):
        own = walk[:, labels == label]
        axes.plot(*own.transpose(2, 0, 1), color=colour, linewidth=0.5, alpha=0.35)
        _dots(axes, own[0], s=5, color=GREY)
        _dots(axes, own[-1], s=7, color=colour, zorder=3, label=f"class {'AB'[label]}")
    axes.set_title(f"Noise walks to two classes, {len(walk) - 1} steps")
    axes.legend(loc="lower left", handletextpad=0.1, borderaxespad=0)


def _draw_guidance(
    axes: Axes, tips: Mapping[float, np.ndarray], start: np.ndarray, time: float
) -> None:
    """Draw an arrow from the point to each tip, and the line on which the tips lie."""
    line = np.stack(list(tips.values()))
    axes.plot(*line.T, color=MUTED, linewidth=0.8, linestyle="--")
    names: dict[float, str] = {0: "null, w = 0", 1: "class B, w = 1"}
    colours: dict[float, str] = {0: MUTED, 1: ORANGE}
    for scale, tip in tips.items():
        colour = colours.get(scale, INK)
        axes.quiver(*start, *(tip - start), color=colour, width=0.008, zorder=3, **ARROW)
        axes.annotate(
            names.get(scale, f"w = {scale:g}"),
            (float(tip[0]), float(tip[1])),
            xytext=(-7, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=colour,
            fontsize=8.5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )
    _dots(axes, start, s=26, color=INK, zorder=4)
    axes.annotate(
        "$x_t$",
        (float(start[0]), float(start[1])),
        xytext=(6, 2),
        textcoords="offset points",
        color=INK,
    )
    every = np.concatenate([line, start[None]])
    low, high = every.min(0), every.max(0)
    middle, reach = (low + high) / 2, 0.6 * float((high - low).max()) + 0.2
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    axes.set_title(f"Guidance: arrows -t v at t = {time:g}")


def _dots(axes: Axes, points: np.ndarray, **style: Any) -> None:
    axes.scatter(points[..., 0], points[..., 1], **style)
