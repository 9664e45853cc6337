"""Figures beside each other, a column for everybody who drew them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kata.figures.style import DPI, FIGURE_WIDTH, INK, MUTED, PAPER, save_figure, styled

COLUMN_GAP = 45
LETTERS = 84
"""Of a heading or a sentence, in a line of a column."""

LINE = 32


@dataclass(frozen=True)
class Column:
    """Figures below each other, under a heading and a line of explanation; a text stands where one cannot be drawn."""

    heading: str
    below: str
    figures: Sequence[Figure | str]


def write_beside(columns: Sequence[Column], path: Path) -> None:
    """Write columns of equally many figures as one PNG."""
    save_figure(beside(columns), path, trim=False)


@styled
def beside(columns: Sequence[Column]) -> Figure:
    """The columns as one figure, at the size of their figures, row by row."""
    drawn = [[_pixels(f) for f in column.figures] for column in columns]
    explained = [wrap(column.below, LETTERS) for column in columns]
    width = max([round(FIGURE_WIDTH * DPI), *(p.shape[1] for c in drawn for p in c)])
    heights = [max(p.shape[0] for p in row) for row in zip(*drawn, strict=True)]
    top = COLUMN_GAP + LINE * (1 + max(len(lines) for lines in explained))
    whole_width = len(columns) * (width + COLUMN_GAP) + COLUMN_GAP
    whole_height = top + sum(heights) + COLUMN_GAP * len(heights)
    figure = Figure(figsize=(whole_width / DPI, whole_height / DPI), facecolor=PAPER)
    FigureCanvasAgg(figure)

    def write(text: str, x: int, y: int, size: float, colour: str, weight: str = "normal") -> None:
        place = (x / whole_width, 1 - y / whole_height)
        figure.text(*place, text, fontsize=size, color=colour, weight=weight, va="top")

    for number, column in enumerate(columns):
        left = COLUMN_GAP + number * (width + COLUMN_GAP)
        write(column.heading, left, COLUMN_GAP // 2, 12, INK, "bold")
        write("\n".join(explained[number]), left, COLUMN_GAP // 2 + LINE, 9.5, MUTED)
        down = top
        for height, pixels in zip(heights, drawn[number], strict=True):
            figure.figimage(pixels, left, whole_height - down - pixels.shape[0])
            down += height + COLUMN_GAP
    return figure


def _pixels(figure: Figure | str) -> np.ndarray:
    """A figure as bytes `(H, W, 4)`; a text as lines on paper."""
    if isinstance(figure, str):
        lines = wrap(figure, LETTERS)
        figure = Figure(figsize=(FIGURE_WIDTH, (len(lines) + 1) * LINE / DPI))
        figure.text(0.02, 0.9, "\n".join(lines), fontsize=9.5, color=INK, va="top")
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())
