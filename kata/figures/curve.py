"""Fidelity against diversity as a drawing that is part of a page, with a mark that a script can move."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 340, 250
LEFT, RIGHT = 44, 14
PANELS = ((26, 112), (152, 226))
"""Top and bottom of the panels, fidelity and diversity."""


@dataclass(frozen=True)
class Curve:
    """Two measures over the guidance scale, from `samples` samples a scale, beside those of real images.

    shares: read as asked, in [0, 1]; spreads: within a class, in pixel units.
    """

    scales: Sequence[float]
    shares: Sequence[float]
    spreads: Sequence[float]
    real_share: float
    real_spread: float
    samples: int

    def at(self, scale: float) -> dict[str, float]:
        """The measures at a scale, between those measured on a straight line, and where their marks stand."""
        share = float(np.interp(scale, self.scales, self.shares))
        spread = float(np.interp(scale, self.scales, self.spreads))
        return {
            "share": round(share, 4),
            "spread": round(spread, 4),
            "x": round(self._x(scale), 1),
            "shareY": round(_y(share, 1.0, PANELS[0]), 1),
            "spreadY": round(_y(spread, self._most_spread, PANELS[1]), 1),
        }

    def svg(self) -> str:
        """The drawing. Its marks have the ids `mark-line`, `mark-share` and `mark-spread`."""
        words = (
            f"Two curves over the guidance scale. The share of samples read as asked is {self.shares[0]:.0%} at "
            f"w = {self.scales[0]:g} and {self.shares[-1]:.0%} at w = {self.scales[-1]:g}. The spread within a class "
            f"is {self.spreads[0]:.2f} and {self.spreads[-1]:.2f}; that of real digits is {self.real_spread:.2f}."
        )
        parts = [
            self._panel("share", "Fidelity: read as asked", self.shares, 1.0, self.real_share),
            self._panel(
                "spread",
                "Diversity: spread within a class",
                self.spreads,
                self._most_spread,
                self.real_spread,
            ),
            *(
                f'<text class="tick" x="{self._x(s):.1f}" y="{HEIGHT - 9}" text-anchor="middle">{s:g}</text>'
                for s in self.scales
            ),
            '<g id="mark-line" class="mark">'
            + "".join(f'<line y1="{top}" y2="{bottom}"/>' for top, bottom in PANELS)
            + "</g>",
            *(
                f'<circle id="mark-{name}" class="mark {name}" r="5"/>'
                for name in ("share", "spread")
            ),
        ]
        return (
            f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}">\n'
            + "\n".join(parts)
            + "\n</svg>"
        )

    @property
    def _most_spread(self) -> float:
        return 1.15 * max(*self.spreads, self.real_spread)

    def _x(self, scale: float) -> float:
        low, high = self.scales[0], self.scales[-1]
        return LEFT + (WIDTH - LEFT - RIGHT) * (scale - low) / (high - low)

    def _panel(
        self, name: str, title: str, values: Sequence[float], most: float, real: float
    ) -> str:
        panel = PANELS[0] if name == "share" else PANELS[1]
        ticks = (
            {0.0: "0", 0.5: "50%", 1.0: "100%"}
            if name == "share"
            else {0.0: "0", real: f"{real:.2f}"}
        )
        points = [
            (self._x(s), _y(v, most, panel)) for s, v in zip(self.scales, values, strict=True)
        ]
        real_y = _y(real, most, panel)
        lines = [
            f'<text class="title" x="0" y="{panel[0] - 12}">{title}</text>',
            *(
                f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="tick" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text}</text>'
                for y, text in ((_y(v, most, panel), text) for v, text in ticks.items())
            ),
            f'<line class="real" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{real_y:.1f}" y2="{real_y:.1f}"/>',
            f'<polyline class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>',
            *(f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points),
        ]
        return "\n".join(lines)


def _y(value: float, most: float, panel: tuple[int, int]) -> float:
    top, bottom = panel
    return bottom - (bottom - top) * value / most
