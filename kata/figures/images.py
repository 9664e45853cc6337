"""Figures made of images: grids of samples, fields of velocity, and sheets of many small images."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from kata.figures.grids import grid_figure, show_field, show_images
from kata.figures.style import DIVERGING, INK, MUTED, ORANGE, CaptionedFigure, bare, new_figure
from kata.train.experiment import FIELD_TIME
from kata.train.metrics import share_outside

STRIP_WIDTH = 5.4
DIGITS = tuple(str(k) for k in range(10))
"""The labels of ten columns, one per digit."""

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
        figure = new_figure(3.45)
        panels = figure.subplots(2, 4)
        fields = [*upper.items(), *lower.items()]
        for axes, (title, field) in zip(panels.flat, fields, strict=True):
            shown = show_field(axes, title, field)
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


def as_asked(drawn: np.ndarray, scales: Sequence[float]) -> CaptionedFigure:
    """Show one sample of each digit `(S, 10, H, W)`, one guidance scale per row."""
    rows = [f"w = {scale:g}" for scale in scales]
    return CaptionedFigure(
        "as_asked",
        "Asked for 0 to 9",
        "Samples of the trained model for each digit. Every column has its own noise, the same in all "
        "rows. At w = 0 the label has no effect; at w = 1 the model mostly draws the digit; guidance "
        "makes it clear.",
        f"Rows of ten generated digits at {', '.join(rows)}: any digits in the first, 0 to 9 in the last.",
        lambda: grid_figure(drawn, "Asked for the digits above the columns", rows, DIGITS),
    )


def digits_modulated(drawn: np.ndarray, rows: Sequence[str]) -> CaptionedFigure:
    """Show one sample of each digit `(R, 10, H, W)`: the first row without scale and shift, the
    others with them.
    """
    return CaptionedFigure(
        "digits_modulated",
        "Digits through modulate",
        "The trained network draws with combine and modulate inside every block. In the first row (off) scale "
        "and shift are set to 0: the network hears neither the time nor the label, and draws no digits. "
        "In the other rows scale and shift come from c = h_t + h_y.",
        "Rows of ten generated images. Without scale and shift none of them is a digit; with them the columns "
        "show 0 to 9.",
        lambda: grid_figure(drawn, "Asked for the digits above the columns", rows, DIGITS),
    )


def none_beside_null(drawn: np.ndarray, title: str) -> CaptionedFigure:
    """Show samples `(3, 10, H, W)` from the same noise: y = None, null labels, labels 0 to 9."""
    rows = ["y = None", "y = null", "y = 0 ... 9"]
    return CaptionedFigure(
        "none_beside_null",
        "None means the null class",
        "Three rows from the same noise. The first two must be equal, because None stands for the null "
        "class: any digit. In the third row the label decides, and the columns show 0 to 9.",
        "Three rows of ten generated digits. The first two rows are equal and show any digits; the third shows "
        "0 to 9 in order.",
        lambda: grid_figure(drawn, title, rows, DIGITS),
    )


def label_dropout(
    images: np.ndarray,
    labels: np.ndarray,
    dropped: np.ndarray,
    null_class: int,
    probability: float,
) -> CaptionedFigure:
    """Show images `(N, H, W)` with their labels `(N,)` before and after dropout; N is even.

    Images whose label is null turn grey. A label that is neither null nor what it was stands out.
    """
    count, across = len(labels), len(labels) // 2
    gone = int((dropped == null_class).sum())

    def draw() -> Figure:
        figure = new_figure(4.3)
        panels = figure.subplots(2, 1)
        for axes, now in zip(panels, (labels, dropped), strict=True):
            for i in range(count):
                left, down = i % across, 1.35 * (i // across)
                null = now[i] == null_class
                same = now[i] == labels[i] and not np.issubdtype(now.dtype, np.floating)
                place = (left + 0.06, left + 0.94, down + 0.94, down + 0.06)
                bare(axes).imshow(
                    images[i],
                    cmap="Greys",
                    vmin=-2.5 if null else -1.15,
                    vmax=2.5 if null else 1,
                    extent=place,
                    interpolation="nearest",
                )
                axes.annotate(
                    "null" if null else str(now[i]) if same else f"{labels[i]} → {now[i]}",
                    (left + 0.5, down + 1.1),
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=MUTED if null else INK if same else ORANGE,
                )
            axes.set(xlim=(0, across), ylim=(2.6, 0), aspect="equal")
        panels[0].set_title(f"{count} labelled images of a batch")
        panels[1].set_title(
            f"After drop_labels with p = {probability:g}: {gone} of {count} dropped"
        )
        return figure

    return CaptionedFigure(
        "label_dropout",
        "Label dropout",
        f"Each label of a training batch is replaced by the null class with probability {probability:g}, "
        "independently of the others. The image itself stays; grey only marks that it comes without its label. "
        "So one network learns the conditional velocity from most images and the unconditional one from the rest.",
        f"{count} small digits with their labels, before and after dropout; {gone} of them turned grey, with null in "
        "place of the label.",
        draw,
    )


def learned_walk(drawn: np.ndarray, batches: int, rows: Sequence[str]) -> CaptionedFigure:
    """Show samples `(R, 10, H, W)` of a small model after a short training.

    batches: how many it was trained on.
    """
    return CaptionedFigure(
        "learned_walk",
        "What the learned velocity draws",
        f"A small model was trained on {batches} batches of real digits, by this step's trainer alone. Then "
        "noise was carried back along the velocity that it learned, asked for each digit. The shapes are "
        "rough after so little training, but most of them can be read.",
        "Rows of ten small rough digits, 0 to 9 in order, drawn by the model that was just trained.",
        lambda: grid_figure(drawn, f"After {batches} batches, walking back along v", rows, DIGITS),
    )


def every_digit(
    drawn: np.ndarray, scale: float, any_digit: np.ndarray | None = None, calls: int = 0
) -> CaptionedFigure:
    """Show samples `(10, N, H, W)`, one digit per column.

    any_digit: ten samples without a label, `(10, H, W)`, as a last row; calls: of the sampler,
    which drew equally many of the N.
    """
    count = number_word(drawn.shape[1])
    grid = drawn.swapaxes(0, 1)
    rows = [""] * len(grid)
    for call in range(calls):
        rows[call * len(grid) // calls] = f"call {call + 1}"
    without = ""
    if any_digit is not None:
        grid, rows = np.concatenate([grid, any_digit[None]]), [*rows, "any"]
        without = " The last row was drawn by sample, without a label."
    return CaptionedFigure(
        "every_digit",
        "Every digit, as asked",
        f"{count.capitalize()} samples of each class at guidance scale {scale:g}, one digit per column, each "
        f"from its own noise. Look down a column: the handwriting changes, the digit does not.{without}",
        f"A grid of generated digits with ten columns, 0 to 9, and {count} samples in each.",
        lambda: grid_figure(grid, f"w = {scale:g}", rows, DIGITS),
    )


def more_digits(drawn: np.ndarray, scale: float) -> CaptionedFigure:
    """Show many samples `(10, N, H, W)`, one digit per column."""
    count = number_word(drawn.shape[1])
    return CaptionedFigure(
        "more_digits",
        f"{count.capitalize()} of each",
        f"Samples at scale {scale:g}, each from its own noise. Look down a column: the handwriting "
        "changes, the digit does not.",
        f"A grid of generated digits with ten columns, 0 to 9, and {count} samples in each.",
        lambda: grid_figure(drawn.swapaxes(0, 1), f"w = {scale:g}", [""] * drawn.shape[1], DIGITS),
    )


def digits_in_rows(drawn: np.ndarray, scale: float, labels: Sequence[str]) -> CaptionedFigure:
    """Show samples `(R, N, H, W)` of some digits, each row beside its label."""
    return CaptionedFigure(
        "digits_in_rows",
        "Some digits, as asked",
        f"Samples at guidance scale {scale:g}, each digit in rows of its own.",
        f"Rows of generated digits: {', '.join(label for label in labels if label)}.",
        lambda: grid_figure(drawn, f"w = {scale:g}", labels),
    )


def by_scale(
    drawn: np.ndarray,
    scales: Sequence[float],
    fidelity: Sequence[float],
    diversity: Sequence[float],
    digit: int,
) -> CaptionedFigure:
    """Show samples of a digit `(S, N, H, W)`, one scale per row, with step 8's two measures and the
    share of pixels outside [-1, 1] beside.
    """
    rows, columns = drawn.shape[:2]
    outside = [share_outside(torch.from_numpy(row)) for row in drawn]

    def draw() -> Figure:
        figure = new_figure(0.72 * rows + 0.5)
        axes = figure.subplots()
        show_images(axes, drawn, [f"w = {scale:g}" for scale in scales])
        for r, (share, deviation, out) in enumerate(zip(fidelity, diversity, outside, strict=True)):
            axes.annotate(
                f"read as {digit}: {share:.0%}\ndiversity {deviation:.3f}\npixels outside: {out:.0%}",
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
        f"All rows start from the same {number_word(columns)} noises, so only the scale changes from row to row. Low "
        f"scales stay close to the data. High ones insist on what makes a {digit} and finally exaggerate: "
        "pixels leave [-1, 1], which raises the diversity again.",
        f"{number_word(rows).capitalize()} rows of generated digits {digit} at guidance scales "
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
            show_images(axes, padded.reshape(2, half, *images.shape[1:]))
            axes.set_title(titles[name])
        return figure

    return CaptionedFigure(
        "three_modes",
        "One network, three modes",
        f"Without a label all digits appear. With the label {digit} nearly all samples are a {digit}. With "
        "guidance they are clearer and more alike. The same position in the three strips starts from the "
        "same noise.",
        f"Three strips of {number_word(count)} generated digits: unconditional ones of all kinds, "
        f"conditional and guided ones of class {digit}.",
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


def number_word(count: int) -> str:
    """Return a small number in words, such as "four"; a large one in digits."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)
