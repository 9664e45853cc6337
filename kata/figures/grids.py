"""Grids of images: several in one set of axes, each row and column beside its label."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from kata.figures.style import DIVERGING, FIGURE_WIDTH, INK, bare, new_figure

IMAGE_GAP = 0.12
"""The space between two images, as a share of an image."""

VELOCITY_LIMIT = 3.0
"""The colour limit of velocities: x1 - x0 is rarely larger."""

LARGEST_SIDE = 0.85
LABEL_SPACE = 0.6
"""Inches beside a grid, for the labels of its rows."""


def show_images(
    axes: Axes, images: np.ndarray, rows: Sequence[str] = (), columns: Sequence[str] = ()
) -> None:
    """Show images `(R, N, H, W)` in [-1, 1] as ink on paper, with labels of rows and columns."""
    height, width = images.shape[2:]
    gap = _gap(height)
    bare(axes).imshow(
        np.ma.masked_invalid(mosaic(images)),
        cmap="Greys",
        vmin=-1.15,
        vmax=1,
        interpolation="nearest",
    )
    axes.set_yticks([r * (height + gap) + (height - 1) / 2 for r in range(len(rows))], rows)
    axes.set_xticks([c * (width + gap) + (width - 1) / 2 for c in range(len(columns))], columns)
    axes.tick_params(length=0, labelcolor=INK, labelsize=9.5, labelbottom=False, labeltop=True)


def show_field(axes: Axes, title: str, field: np.ndarray) -> AxesImage:
    """Show a field of velocity `(H, W)` in red and blue, always with the same colours."""
    shown = bare(axes).imshow(
        field,
        cmap=DIVERGING,
        vmin=-VELOCITY_LIMIT,
        vmax=VELOCITY_LIMIT,
        interpolation="nearest",
    )
    axes.set_title(title, loc="center", fontsize=9.5)
    return shown


def grid_figure(
    images: np.ndarray, title: str, rows: Sequence[str], columns: Sequence[str] = ()
) -> Figure:
    """Draw a figure of images `(R, N, H, W)`, each row and column beside its label."""
    count, across = images.shape[:2]
    side = min(LARGEST_SIDE, (FIGURE_WIDTH - LABEL_SPACE) / across)
    width = side * across + LABEL_SPACE
    figure = new_figure(side * count * images.shape[2] / images.shape[3] + 0.55, width)
    axes = figure.subplots()
    show_images(axes, images, rows, columns)
    axes.set_title(title)
    return figure


def mosaic(images: np.ndarray) -> np.ndarray:
    """Return images `(R, N, H, W)` as one: R rows of N, with nan between them."""
    rows, columns, height, width = images.shape
    gap = _gap(height)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for r in range(rows):
        for c in range(columns):
            top, left = r * (height + gap), c * (width + gap)
            canvas[top : top + height, left : left + width] = images[r, c]
    return canvas


def _gap(height: int) -> int:
    return max(1, round(IMAGE_GAP * height))
