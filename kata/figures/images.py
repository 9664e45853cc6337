"""Figures made of images: grids of samples, fields of velocity, and sheets of many small images."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

from kata.figures.style import (
    DIVERGING,
    FIGURE_WIDTH,
    INK,
    MUTED,
    CaptionedFigure,
    bare,
    new_figure,
)
from kata.train.experiment import FIELD_TIME

STRIP_WIDTH = 5.4
IMAGE_GAP = 0.12
"""The space between two images, as a share of an image."""

SHEET_GREYS = 16


def modulation(tokens: np.ndarray, unchanged: np.ndarray, changed: np.ndarray) -> CaptionedFigure:
    """Show tokens `(N, F)` before and after `modulate`, without and with a scale and a shift."""
    rows = {
        "tokens $x$, one per row": tokens,
        "scale 0, shift 0": unchanged,
        "scale rising from -1 to 1, the last features shifted too": changed,
    }

    def draw() -> Figure:
        figure = new_figure(3.4)
        panels = figure.subplots(len(rows), 1, sharex=True)
        for axes, (title, values) in zip(panels, rows.items(), strict=True):
            shown = axes.imshow(
                values, cmap=DIVERGING, vmin=-4, vmax=4, aspect="auto", interpolation="nearest"
            )
            axes.set_yticks([])
            axes.tick_params(length=0)
            axes.set_title(title)
        panels[-1].set_xlabel("feature")
        bar = figure.colorbar(shown, ax=panels, shrink=0.7, aspect=30)
        bar.outline.set_visible(False)
        return figure

    return CaptionedFigure(
        "modulation",
        "Scale and shift",
        "Tokens before and after modulate. Scale 0 and shift 0 change nothing. Then the scale rises from "
        "-1, which silences a feature, to 1, which doubles it. The last features are shifted as well.",
        "Three heat maps of the same tokens: unchanged; modulated by zeros and looking the same; and modulated "
        "by a rising scale: pale at the left, strong at the right, shifted at the right edge.",
        draw,
    )


def guided_fields(
    unconditional: np.ndarray,
    conditional: np.ndarray,
    truth: np.ndarray,
    guided: Mapping[float, np.ndarray],
    digit: int,
    image: str,
) -> CaptionedFigure:
    """Show fields of velocity `(H, W)` on one colour scale: what guidance mixes, and its result.

    image: in words, where the velocities are taken, such as "a held-out 7".
    """
    upper = {
        "$v_u$, any digit": unconditional,
        f"$v_c$, digit {digit}": conditional,
        "$v_c - v_u$": conditional - unconditional,
        "truth, $x_1 - x_0$": truth,
    }
    lower = {f"guided, w = {scale:g}": field for scale, field in guided.items()}

    def draw() -> Figure:
        limit = float(np.percentile(np.abs(np.stack([unconditional, conditional, truth])), 99))
        figure = new_figure(3.45)
        panels = figure.subplots(2, 4)
        fields = [*upper.items(), *lower.items()]
        for axes, (title, field) in zip(panels.flat, fields, strict=True):
            shown = _field(axes, title, field, limit)
        bar = figure.colorbar(shown, ax=panels, shrink=0.7, aspect=30, label="velocity")
        bar.outline.set_visible(False)
        return figure

    return CaptionedFigure(
        "guided_fields",
        f"What makes it a {digit}",
        f"Velocities of the trained model at one noisy image (t = {FIELD_TIME}) of {image}: for any digit, "
        "for this digit, and their difference, which guidance amplifies. Below, the difference is added "
        "w times: w = 1 gives the conditional velocity, and large scales exaggerate.",
        "Eight fields of velocity in red and blue. Above: unconditional, conditional, their difference and the "
        f"ground truth. Below: guided at scales {', '.join(f'{s:g}' for s in guided)}, with growing contrast.",
        draw,
    )


def straight_line(
    points: np.ndarray, times: Sequence[float], velocity: np.ndarray
) -> CaptionedFigure:
    """Show points `(T, H, W)` between an image and noise, and the velocity `(H, W)` of all of
    them.
    """

    def draw() -> Figure:
        figure = new_figure(1.55)
        panels = figure.subplots(1, len(times) + 1)
        for axes, image, t in zip(panels, points, times, strict=False):
            bare(axes).imshow(image, cmap="Greys", vmin=-1.15, vmax=1, interpolation="nearest")
            axes.set_title(f"t = {t:g}", loc="center", fontsize=9.5)
        limit = float(np.abs(velocity).max()) or 1.0
        _field(panels[-1], "$v = x_1 - x_0$", velocity, limit)
        return figure

    return CaptionedFigure(
        "path",
        "A straight line from an image to noise",
        "The network is trained at the points of this line. At each of them it should predict the "
        "direction of the line, v = x₁ - x₀.",
        f"{len(times)} images of a digit that fades into noise, and the velocity as a field in red and blue, in "
        "which the digit stands out as negative.",
        draw,
    )


def as_asked(drawn: np.ndarray, scales: Sequence[float], title: str) -> CaptionedFigure:
    """Show one sample of each digit `(S, 10, H, W)`, one guidance scale per row."""
    rows = [f"w = {scale:g}" for scale in scales]
    return CaptionedFigure(
        "as_asked",
        "Asked for 0 to 9",
        "Samples of the trained model for each digit. Every column has its own noise, the same in all "
        "rows. At w = 0 the label has no effect; at w = 1 the model mostly draws the digit; guidance "
        "makes it clear.",
        f"Rows of ten generated digits at {', '.join(rows)}: any digits in the first, 0 to 9 in the last.",
        lambda: _class_grid(drawn, title, rows),
    )


def every_digit(
    drawn: np.ndarray, scale: float, labels: Sequence[str] | None = None
) -> CaptionedFigure:
    """Show samples `(10, N, H, W)`, one digit per row; labels: of the rows, if those are others."""
    count = _number(drawn.shape[1])
    return CaptionedFigure(
        "every_digit",
        "Every digit, as asked",
        f"{count.capitalize()} samples of each class at guidance scale {scale:g}, one digit per row. Each began as "
        "noise and was carried to an image by the guided velocity, in steps of Euler's method.",
        f"A grid of generated digits with ten rows, 0 to 9, and {count} samples in each.",
        lambda: _class_grid(drawn, f"w = {scale:g}", labels),
    )


def more_digits(drawn: np.ndarray, scale: float) -> CaptionedFigure:
    """Show many samples `(10, N, H, W)`, one digit per row."""
    count = _number(drawn.shape[1])
    return CaptionedFigure(
        "more_digits",
        f"{count.capitalize()} of each",
        f"Samples at scale {scale:g}, each from its own noise. Look along a row: the handwriting "
        "changes, the digit does not.",
        f"A grid of generated digits with ten rows, 0 to 9, and {count} samples in each.",
        lambda: _class_grid(drawn, f"w = {scale:g}"),
    )


def by_scale(
    drawn: np.ndarray,
    scales: Sequence[float],
    fidelity: Sequence[float],
    diversity: Sequence[float],
    digit: int,
) -> CaptionedFigure:
    """Show samples of a digit `(S, N, H, W)`, one scale per row, with step 8's two measures
    beside.
    """
    rows, columns = drawn.shape[:2]

    def draw() -> Figure:
        figure = new_figure(0.72 * rows + 0.5)
        axes = figure.subplots()
        _ink(axes, drawn, [f"w = {scale:g}" for scale in scales])
        for r, (share, deviation) in enumerate(zip(fidelity, diversity, strict=True)):
            axes.annotate(
                f"read as {digit}: {share:.0%}\ndiversity {deviation:.2f}",
                (1.02, 1 - (r + 0.5) / rows),
                xycoords="axes fraction",
                va="center",
                fontsize=8.5,
                color=MUTED,
            )
        axes.set_title(f"“Draw a {digit}”: the same starting noise along a column")
        return figure

    return CaptionedFigure(
        "scales",
        f"“Draw a {digit}”, louder and louder",
        f"All rows start from the same {_number(columns)} noises, so only the scale changes from row to row. Low "
        f"scales stay close to the data. High ones insist on what makes a {digit} and finally exaggerate: "
        "pixels leave [-1, 1], which raises the diversity again.",
        f"{_number(rows).capitalize()} rows of generated digits {digit} at guidance scales "
        f"{', '.join(f'{s:g}' for s in scales)}, with the share read as asked and the diversity of each row.",
        draw,
    )


def three_modes(modes: Mapping[str, np.ndarray], digit: int, scale: float) -> CaptionedFigure:
    """Show strips of samples `(N, H, W)`, by the names of step 9's modes."""
    titles = {
        "unconditional": "unconditional: null label, w = 1",
        "conditional": f"conditional: label {digit}, w = 1",
        "guided": f"guided: label {digit}, w = {scale:g}",
    }
    count = len(modes["guided"])

    def draw() -> Figure:
        figure = new_figure(len(modes) * (4 * STRIP_WIDTH / count + 0.3), STRIP_WIDTH)
        panels = figure.subplots(len(modes), 1, squeeze=False)[:, 0]
        for axes, (name, images) in zip(panels, modes.items(), strict=True):
            half = (count + 1) // 2
            padded = np.concatenate([images, np.full_like(images[:1], np.nan)])[: 2 * half]
            _ink(axes, padded.reshape(2, half, *images.shape[1:]), ["", ""])
            axes.set_title(titles[name])
        return figure

    return CaptionedFigure(
        "three_modes",
        "One network, three modes",
        f"Without a label all digits appear. With the label {digit} nearly all samples are a {digit}. With "
        "guidance they are clearer and more alike. The same position in the three strips starts from the "
        "same noise.",
        f"Three strips of {_number(count)} generated digits: unconditional ones of all kinds, conditional and guided "
        f"ones of class {digit}.",
        draw,
    )


def sheet(images: np.ndarray) -> bytes:
    """Return images `(N, H, W)` in [-1, 1] as one lossless WebP of 16 greys: 1 is black, -1 is
    white.

    One below the other, similar images lie close together in the file, where the compression finds
    them.
    """
    shades = np.clip((1 - images) / 2, 0, 1).reshape(-1, images.shape[-1])
    levels = np.rint(shades * (SHEET_GREYS - 1)) * 255 / (SHEET_GREYS - 1)
    file = BytesIO()
    Image.fromarray(levels.astype(np.uint8)).save(file, "WEBP", lossless=True, quality=100)
    return file.getvalue()


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


def _ink(axes: Axes, images: np.ndarray, labels: Sequence[str]) -> None:
    """Show images `(R, N, H, W)` in [-1, 1] as ink on paper, each row beside its label."""
    height = images.shape[2]
    step = height + _gap(height)
    bare(axes).imshow(
        np.ma.masked_invalid(mosaic(images)),
        cmap="Greys",
        vmin=-1.15,
        vmax=1,
        interpolation="nearest",
    )
    axes.set_yticks([r * step + (height - 1) / 2 for r in range(len(images))], labels)
    axes.tick_params(length=0, labelcolor=INK, labelsize=9.5)


def _field(axes: Axes, title: str, field: np.ndarray, limit: float) -> AxesImage:
    shown = bare(axes).imshow(
        field, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest"
    )
    axes.set_title(title, loc="center", fontsize=9.5)
    return shown


def _class_grid(images: np.ndarray, title: str, labels: Sequence[str] | None = None) -> Figure:
    """Draw samples `(R, N, H, W)`, each row beside its label; None: one class per row, 0, 1, 2,
    ...
    """
    rows, columns = images.shape[:2]
    width = min(FIGURE_WIDTH, 0.6 * columns + 0.6)
    figure = new_figure(0.6 * rows * min(1.0, (FIGURE_WIDTH - 0.6) / (0.6 * columns)) + 0.4, width)
    axes = figure.subplots()
    _ink(axes, images, labels or [str(k) for k in range(rows)])
    axes.set_title(title)
    return figure


def _number(count: int) -> str:
    """Return a small number in words, such as "four"; a large one in digits."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)
