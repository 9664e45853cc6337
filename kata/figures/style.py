"""One look for all figures: ink on white, two accents that the colour-blind can tell apart, no global state."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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

_STYLE: dict[Any, Any] = {
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
    "savefig.facecolor": PAPER,
}

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class PagePicture:
    """One figure of the page: a PNG file, its title, what it teaches, and a text for those who cannot see it."""

    path: Path
    title: str
    caption: str
    alt: str


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Draw with the settings above, and leave matplotlib's own as they were."""

    @wraps(draw)
    def drawn(*arguments: Arguments.args, **named: Arguments.kwargs) -> Figure:
        with matplotlib.rc_context(_STYLE):
            return draw(*arguments, **named)

    return drawn


def new_figure(height: float, width: float = FIGURE_WIDTH) -> Figure:
    """An empty figure, in inches, whose parts make room for each other; it belongs to no window."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path | BinaryIO, trim: bool = True) -> None:
    """Write a figure as a PNG that is the same for the same figure; trim: without empty margins."""
    with matplotlib.rc_context(_STYLE):
        figure.savefig(
            path,
            dpi=DPI,
            format="png",
            bbox_inches="tight" if trim else None,
            pad_inches=0.08,
            metadata={"Software": None},
        )


def bare(axes: Axes) -> Axes:
    """Axes without ticks and frame, for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes
