"""Figures side by side: one column for each implementation that drew them."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import wrap

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from kata.figures.style import DPI, FIGURE_WIDTH, INK, MUTED, PAPER, CaptionedFigure

GAP = 45
LINE = 32
LETTERS = 84
"""The longest line of text in a column."""

HEADING_SIZE, TEXT_SIZE = 25, 20


@dataclass(frozen=True)
class Column:
    """A step's figures by one implementation, under a heading and an explanation.

    figures: a text says why, in place of a figure that could not be drawn.
    """

    heading: str
    below: str
    figures: Sequence[CaptionedFigure | str]

    @property
    def complaints(self) -> list[str]:
        """Why figures are missing, each reason once."""
        return list(dict.fromkeys(f for f in self.figures if isinstance(f, str)))


def side_by_side(columns: Sequence[Column]) -> bytes:
    """Return columns of equally many figures as one PNG, row by row."""
    drawn = [[f if isinstance(f, str) else f.image for f in c.figures] for c in columns]
    explained = [wrap(column.below, LETTERS) for column in columns]
    width = max(round(FIGURE_WIDTH * DPI), *(_size(f)[0] for c in drawn for f in c))
    heights = [max(_size(f)[1] for f in row) for row in zip(*drawn, strict=True)]
    top = GAP + LINE * (1 + max(len(lines) for lines in explained))
    size = (GAP + len(columns) * (width + GAP), top + sum(height + GAP for height in heights))
    picture = Image.new("RGB", size, PAPER)
    ink = ImageDraw.Draw(picture)
    for number, column in enumerate(columns):
        left = GAP + number * (width + GAP)
        ink.text((left, GAP // 2), column.heading, INK, _font("DejaVuSans-Bold", HEADING_SIZE))
        _write(ink, left, GAP // 2 + LINE, explained[number], MUTED)
        down = top
        for height, figure in zip(heights, drawn[number], strict=True):
            if isinstance(figure, str):
                _write(ink, left, down, wrap(figure, LETTERS), INK)
            else:
                picture.paste(figure, (left, down))
            down += height + GAP
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _size(figure: Image.Image | str) -> tuple[int, int]:
    return (0, LINE * len(wrap(figure, LETTERS))) if isinstance(figure, str) else figure.size


def _write(
    ink: ImageDraw.ImageDraw, left: int, top: int, lines: Sequence[str], colour: str
) -> None:
    for number, line in enumerate(lines):
        ink.text((left, top + number * LINE), line, colour, _font("DejaVuSans", TEXT_SIZE))


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), size)
