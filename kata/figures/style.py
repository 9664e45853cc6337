"""One style for all figures: ink on white, two accents that the colour-blind can tell apart, no
global state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, Self

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageChops, ImageOps

INK, MUTED, RULE, PAPER = "#1c1c22", "#6b6b73", "#dcdcd8", "#ffffff"
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#a3a3aa"
DIGIT_COLOURS = (
    "#332288",
    "#88ccee",
    "#44aa99",
    "#117733",
    "#999933",
    "#ddcc77",
    "#cc6677",
    "#882255",
    "#aa4499",
    "#6699cc",
)
"""Paul Tol's muted palette and one more; a digit's colour never stands without its numeral."""

DIVERGING = "RdBu_r"
DPI = 150
FIGURE_WIDTH = 6.4
MARGIN = 12
"""Pixels of paper around a figure in a file of its own."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": PAPER,
    "figure.dpi": DPI,
    "savefig.facecolor": PAPER,
}


@dataclass(frozen=True)
class CaptionedFigure:
    """A figure with its words.

    name: of its file; caption: what it teaches; alt: a text for those who cannot see it; draw:
    draws it, in STYLE.
    """

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[], Figure]

    def drawn(self) -> Self:
        """Draw the figure now, rather than at its first use."""
        _ = self.image
        return self

    @cached_property
    def image(self) -> Image.Image:
        """Draw the figure; matplotlib's own settings stay as they were."""
        with matplotlib.rc_context(STYLE):
            canvas = FigureCanvasAgg(self.draw())
            canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")

    @cached_property
    def png(self) -> bytes:
        """The figure as a file without empty margins: the same bytes for the same figure."""
        empty = Image.new("RGB", self.image.size, PAPER)
        content = self.image.crop(ImageChops.difference(self.image, empty).getbbox())
        file = BytesIO()
        ImageOps.expand(content, MARGIN, PAPER).save(file, "PNG", optimize=True)
        return file.getvalue()

    @cached_property
    def size(self) -> tuple[int, int]:
        """The width and height of the file, in its pixels."""
        return Image.open(BytesIO(self.png)).size


def new_figure(height: float, width: float = FIGURE_WIDTH) -> Figure:
    """Return an empty figure, in inches, whose parts make room for each other; it belongs to no
    window.
    """
    return Figure(figsize=(width, height), layout="constrained")


def bare(axes: Axes) -> Axes:
    """Remove ticks and frame from axes that show an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes
