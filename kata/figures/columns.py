"""Figures of one step by several implementations, in one file: a block for each, two side by
side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from kata.figures.style import DPI, FIGURE_WIDTH, INK, MUTED, PAPER, CaptionedFigure

ABREAST = 2
"""Columns side by side; further ones stand below them."""

GAP, SPACE = 45, 12
LINE = 30
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

    def looks_like(self, other: "Column") -> bool:
        """Return whether all figures are drawn in both, and are the same images."""
        return len(self.figures) == len(other.figures) and all(
            not isinstance(a, str) and not isinstance(b, str) and a.image == b.image
            for a, b in zip(self.figures, other.figures, strict=True)
        )


def side_by_side(columns: Sequence[Column]) -> bytes:
    """Return columns of equally many figures as one PNG: at most two abreast, captions below."""
    sizes = [f.image.width for c in columns for f in c.figures if not isinstance(f, str)]
    width = max([round(FIGURE_WIDTH * DPI), *sizes])
    abreast = min(ABREAST, len(columns))
    groups = [columns[n : n + abreast] for n in range(0, len(columns), abreast)]
    rows = [_in_rows(group, width) for group in groups]
    size = (GAP + abreast * (width + GAP), GAP + sum(row.height for row in rows))
    picture = Image.new("RGB", size, PAPER)
    down = GAP // 2
    for row in rows:
        picture.paste(row, (0, down))
        down += row.height
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _in_rows(columns: Sequence[Column], width: int) -> Image.Image:
    """Return columns side by side; figures of one row begin at the same height."""
    cells = [
        [_heading(column, width), *(_cell(f, width) for f in column.figures)] for column in columns
    ]
    heights = [max(cell.height for cell in row) for row in zip(*cells, strict=True)]
    size = (GAP + len(columns) * (width + GAP), sum(height + GAP for height in heights))
    block = Image.new("RGB", size, PAPER)
    for number, column in enumerate(cells):
        down = 0
        for cell, height in zip(column, heights, strict=True):
            block.paste(cell, (GAP + number * (width + GAP), down))
            down += height + GAP
    return block


def _heading(column: Column, width: int) -> Image.Image:
    return _text(
        [(column.heading, "DejaVuSans-Bold", HEADING_SIZE, INK), (column.below, *_SMALL)], width
    )


def _cell(figure: CaptionedFigure | str, width: int) -> Image.Image:
    """Return a figure above its title and caption, or the sentence that stands in its place."""
    if isinstance(figure, str):
        return _text([(figure, "DejaVuSans", TEXT_SIZE, INK)], width)
    words = _text(
        [(figure.title, "DejaVuSans-Bold", TEXT_SIZE, INK), (figure.caption, *_SMALL)], width
    )
    cell = Image.new("RGB", (width, figure.image.height + SPACE + words.height), PAPER)
    cell.paste(figure.image, (0, 0))
    cell.paste(words, (0, figure.image.height + SPACE))
    return cell


_SMALL = ("DejaVuSans", TEXT_SIZE, MUTED)


def _text(paragraphs: Sequence[tuple[str, str, int, str]], width: int) -> Image.Image:
    """Return paragraphs (text, font, size, colour), each wrapped to the width."""
    lines = [
        (line, _font(name, size), colour)
        for text, name, size, colour in paragraphs
        for line in _wrapped(text, _font(name, size), width)
    ]
    image = Image.new("RGB", (width, LINE * len(lines)), PAPER)
    ink = ImageDraw.Draw(image)
    for number, (line, font, colour) in enumerate(lines):
        ink.text((0, number * LINE), line, colour, font)
    return image


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Return the lines of a text; a word that is longer than a line is broken."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) > width and lines[-1]:
            lines.append("")
            longer = word
        while font.getlength(longer) > width:
            part = next(n for n in range(len(longer), 0, -1) if font.getlength(longer[:n]) <= width)
            lines[-1], longer = longer[:part], longer[part:]
            lines.append("")
        lines[-1] = longer
    return [line for line in lines if line]


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), size)
