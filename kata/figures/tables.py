"""Figures of the class table: the matrix, the similarity of its rows, and a map of them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kata.figures.style import (
    DIGIT_COLOURS,
    DIVERGING,
    GREY,
    INK,
    RULE,
    CaptionedFigure,
    new_figure,
)

NEW_LIMIT = 0.06
"""The colour limit of a new table: three times its expected standard deviation."""


def class_table(table: np.ndarray, similarity: np.ndarray) -> CaptionedFigure:
    """Show a new class table `(K + 1, D)`, and the correlation of its rows `(K + 1, K + 1)`."""
    title = "The class table before training"
    width = table.shape[1]

    def draw() -> Figure:
        figure = new_figure(2.9)
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        _matrix(left, table, NEW_LIMIT)
        left.set_title(title)
        _similarity(right, similarity)
        right.set_title("Similarity of the rows")
        return figure

    return CaptionedFigure(
        "class_table",
        title,
        f"Eleven rows of {width} small random numbers: one row per digit, and the null row for “any "
        "digit”. No two rows are related yet: outside the diagonal the similarities are close to 0.",
        f"Left: the class table as an image of 11 rows and {width} columns of noise. Right: its 11 by 11 "
        "correlation matrix, dark on the diagonal and nearly white elsewhere.",
        draw,
    )


def learned_table(table: np.ndarray, similarity: np.ndarray, places: np.ndarray) -> CaptionedFigure:
    """Show the table `(K + 1, D)` after training, the correlation of its rows, and their map.

    places: the rows on two principal components, `(K + 1, 2)`.
    """

    def draw() -> Figure:
        figure = new_figure(6.6)
        parts = figure.subplot_mosaic(
            [["matrix", "similarity"], ["map", "map"]],
            width_ratios=[1.25, 1],
            height_ratios=[1, 1.25],
        )
        _matrix(parts["matrix"], table, float(np.percentile(np.abs(table), 99.5)))
        parts["matrix"].set_title("The class table after training")
        _similarity(parts["similarity"], similarity)
        names = _names(len(table))
        a, b = _most_similar(similarity)
        parts["similarity"].set_title(f"Most similar: {names[a]} and {names[b]}")
        _map(parts["map"], places)
        return figure

    return CaptionedFigure(
        "learned_table",
        "What the class table learned",
        "Nothing in the loss mentions distances between classes; if the rows show structure, it helped "
        "to draw. The null row stands for all digits. The signs of the components mean nothing: a "
        "mirrored map is the same map.",
        "The trained class table as an image, its correlation matrix, and a map of its rows on two principal "
        "components: ten coloured circles with their digits and a grey square for the null row.",
        draw,
    )


def _names(rows: int) -> list[str]:
    return [*(str(k) for k in range(rows - 1)), "null"]


def _matrix(axes: Axes, table: np.ndarray, limit: float) -> None:
    shown = axes.imshow(
        table, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    axes.set_yticks(range(len(table)), _names(len(table)))
    axes.tick_params(length=0)
    axes.set_xlabel("dimension")
    bar = axes.figure.colorbar(shown, ax=axes, shrink=0.9, aspect=20)
    bar.outline.set_visible(False)


def _similarity(axes: Axes, similarity: np.ndarray) -> None:
    names = _names(len(similarity))
    shown = axes.imshow(similarity, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
    axes.set_xticks(range(len(names)), [*names[:-1], "∅"])
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    bar = axes.figure.colorbar(shown, ax=axes, shrink=0.9, aspect=20, ticks=[-1, 0, 1])
    bar.outline.set_visible(False)


def _most_similar(similarity: np.ndarray) -> tuple[int, int]:
    """Return the indices of the two different rows with the largest similarity."""
    without = similarity - 2 * np.eye(len(similarity))
    first, second = np.unravel_index(int(without.argmax()), without.shape)
    return int(min(first, second)), int(max(first, second))


def _map(axes: Axes, places: np.ndarray) -> None:
    axes.axhline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.axvline(0, color=RULE, linewidth=0.8, zorder=0)
    for k, (x, y) in enumerate(places):
        null = k == len(places) - 1
        colour = GREY if null else DIGIT_COLOURS[k % len(DIGIT_COLOURS)]
        axes.scatter(
            x, y, s=260, marker="s" if null else "o", color=colour, edgecolors="white", zorder=2
        )
        axes.annotate(
            "null" if null else str(k),
            (x, y),
            ha="center",
            va="center",
            fontsize=6 if null else 9.5,
            color=INK if null else _readable_on(colour),
            zorder=3,
        )
    axes.margins(0.12)
    axes.set_aspect("equal", adjustable="datalim")
    axes.tick_params(length=0)
    axes.set_xlabel("first principal component")
    axes.set_ylabel("second")
    axes.set_title("A map of the rows: their first two principal components")


def _readable_on(colour: str) -> str:
    """Return black or white, whichever stands out from a colour `#rrggbb`."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"
