"""Fidelity against diversity over the guidance scale: as a figure, and as a drawing with marks
that a script moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kata.figures.style import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    RULE,
    STYLE,
    CaptionedFigure,
    new_figure,
)

POINTS = 72
"""Per inch: the unit of an SVG by matplotlib."""

WIDTH, HEIGHT = 340, 250
LEFT, RIGHT = 44, 14
PANELS = ((26, 112), (152, 226))
"""Top and bottom of the drawing's panels: fidelity and diversity."""

PAGE_STYLE = {
    BLUE: "var(--fidelity)",
    ORANGE: "var(--diversity)",
    INK: "var(--ink)",
    MUTED: "var(--soft)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
    "'DejaVu Sans'": "system-ui, sans-serif",
}
"""What a page puts in place of the figures' colours and font, so that the drawing is right in
light and dark.
"""

_SVG_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "kata"}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True)
class Curve:
    """Two measures over the guidance scale, from `samples` samples per scale, beside those of real
    images.

    fidelity: shares read as asked, in [0, 1]; diversity: within a class, in pixel units.
    """

    scales: Sequence[float]
    fidelity: Sequence[float]
    diversity: Sequence[float]
    real_fidelity: float
    real_diversity: float
    samples: int

    @classmethod
    def of_evaluation(cls, report: Mapping[str, Any]) -> "Curve":
        """Return the curve of a report by `kata evaluate`; KeyError if it lacks a measure."""
        rows, real = report["scales"], report["real"]
        return cls(
            [float(row["scale"]) for row in rows],
            [float(row["read_as_asked"]) for row in rows],
            [float(row["spread"]) for row in rows],
            float(real["read_as_asked"]),
            float(real["spread"]),
            int(rows[0]["samples"]),
        )

    def at(self, scale: float) -> dict[str, float]:
        """Return both measures at a scale, interpolated linearly."""
        return {
            "fidelity": round(float(np.interp(scale, self.scales, self.fidelity)), 4),
            "diversity": round(float(np.interp(scale, self.scales, self.diversity)), 4),
        }


def fidelity_diversity(curve: Curve) -> CaptionedFigure:
    """Show the two measures over the scale, beside those of held-out real images."""

    def draw() -> Figure:
        figure = new_figure(4.4)
        panels = figure.subplots(2, 1, sharex=True)
        rows = (
            (curve.fidelity, curve.real_fidelity, BLUE, "Fidelity: share read as asked", "{:.0%}"),
            (
                curve.diversity,
                curve.real_diversity,
                ORANGE,
                "Diversity: standard deviation within a class",
                "{:.2f}",
            ),
        )
        for axes, (values, real, colour, title, form) in zip(panels, rows, strict=True):
            axes.axhline(real, color=MUTED, linewidth=1.2, linestyle=(0, (5, 3)))
            axes.plot(curve.scales, values, "o-", color=colour, linewidth=1.8, markersize=6)
            for i, (x, value) in enumerate(zip(curve.scales, values, strict=True)):
                axes.annotate(
                    form.format(value),
                    (x, value),
                    xytext=(9, -3) if i == 0 else (3, -15),
                    textcoords="offset points",
                    fontsize=8.5,
                    color=colour,
                )
            axes.annotate(
                f"held-out real images: {form.format(real)}",
                (float(np.mean(curve.scales[-2:])), real),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
                color=MUTED,
            )
            axes.set_ylim(0, 1.2 * max(*values, real))
            axes.margins(x=0.07)
            axes.set_title(title)
            axes.grid(True, axis="y")
            axes.tick_params(length=0)
        panels[0].set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
        panels[1].set_xticks(list(curve.scales), [f"{s:g}" for s in curve.scales])
        panels[1].set_xlabel("guidance scale w")
        return figure

    return CaptionedFigure(
        "fidelity_diversity",
        "Fidelity against diversity",
        "The guidance scale has a price. Above: the share of samples that a classifier reads as the digit asked "
        "for. Below: how much the samples of one class differ. At w = 1 the diversity is nearly that of real "
        "digits; beyond it, guidance trades diversity for fidelity.",
        "Two curves over the guidance scale: the share read as asked rises from "
        f"{curve.fidelity[0]:.0%} to {curve.fidelity[-1]:.0%}, the diversity changes from "
        f"{curve.diversity[0]:.2f} to {curve.diversity[-1]:.2f}; dashed lines mark the real images at "
        f"{curve.real_fidelity:.0%} and {curve.real_diversity:.2f}.",
        draw,
    )


@dataclass(frozen=True)
class MovableCurve:
    """A curve as the content of an `<svg>` of WIDTH x HEIGHT, with a text for those who cannot see
    it.

    moves: for each scale, the ids of the marks, and how far each is from where it is drawn, `(x,
    y)`.
    """

    content: str
    alt: str
    moves: list[dict[str, tuple[float, float]]]


def movable_curve(curve: Curve, scales: Sequence[float]) -> MovableCurve:
    """Draw a curve with marks at the first of the scales, which a script can move to any of
    them.
    """
    share, deviation = curve.real_fidelity, curve.real_diversity
    most = 1.15 * max(*curve.diversity, deviation)
    moves: list[dict[str, tuple[float, float]]] = [{} for _ in scales]
    text = StringIO()
    with matplotlib.rc_context({**STYLE, **_SVG_STYLE}):
        figure = Figure(figsize=(WIDTH / POINTS, HEIGHT / POINTS), dpi=POINTS)
        upper = _panel(
            figure, 0, "Fidelity: read as asked", curve.scales, curve.fidelity, share, BLUE
        )
        upper.set(ylim=(0, 1), xticks=[])
        upper.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
        lower = _panel(
            figure, 1, "Diversity: within a class", curve.scales, curve.diversity, deviation, ORANGE
        )
        lower.set(ylim=(0, most))
        lower.set_yticks([0, deviation], ["0", f"{deviation:.2f}"])
        lower.set_xticks(curve.scales, [f"{scale:g}" for scale in curve.scales])
        for axes, name, colour in ((upper, "fidelity", BLUE), (lower, "diversity", ORANGE)):
            places = [
                axes.transData.transform((scale, curve.at(scale)[name])).tolist()
                for scale in scales
            ]
            _mark(axes, name, colour, scales[0], curve.at(scales[0])[name])
            for move, (x, y) in zip(moves, places, strict=True):
                right, down = round(x - places[0][0], 1), round(places[0][1] - y, 1)
                move |= {f"line-{name}": (right, 0), f"mark-{name}": (right, down)}
        figure.savefig(text, format="svg", metadata=_NO_METADATA, transparent=True)
    content = text.getvalue()
    content = content[content.index("</defs>") + len("</defs>") : content.rindex("</svg>")]
    for ours, pages in PAGE_STYLE.items():
        content = content.replace(ours, pages)
    alt = (
        f"Two curves over the guidance scale. The share of samples read as asked is {curve.fidelity[0]:.0%} at "
        f"w = {curve.scales[0]:g} and {curve.fidelity[-1]:.0%} at w = {curve.scales[-1]:g}. The diversity within a "
        f"class is {curve.diversity[0]:.2f} and {curve.diversity[-1]:.2f}; that of real digits is {deviation:.2f}."
    )
    return MovableCurve(content, alt, moves)


def _panel(
    figure: Figure,
    number: int,
    title: str,
    scales: Sequence[float],
    values: Sequence[float],
    real: float,
    colour: str,
) -> Axes:
    top, bottom = PANELS[number]
    width, height = WIDTH - LEFT - RIGHT, bottom - top
    axes = figure.add_axes(
        (LEFT / WIDTH, 1 - bottom / HEIGHT, width / WIDTH, height / HEIGHT), frameon=False
    )
    figure.text(0, 1 - (top - 12) / HEIGHT, title, fontsize=12)
    axes.plot(scales, values, "o-", color=colour, linewidth=2, markersize=4, clip_on=False)
    axes.axhline(real, color=MUTED, linewidth=1, linestyle=(0, (5, 4)))
    axes.grid(True, axis="y", linewidth=1, clip_on=False)
    axes.tick_params(length=0, labelsize=11, pad=6)
    axes.set_xlim(scales[0], scales[-1])
    return axes


def _mark(axes: Axes, name: str, colour: str, x: float, y: float) -> None:
    """Mark a point of a curve with a line and a circle, `line-NAME` and `mark-NAME`."""
    axes.axvline(x, color=INK, linewidth=1, clip_on=False, gid=f"line-{name}")
    axes.plot(
        x,
        y,
        "o",
        color=colour,
        markersize=10,
        markeredgecolor=PAPER,
        markeredgewidth=2,
        clip_on=False,
        zorder=4,
        gid=f"mark-{name}",
    )
