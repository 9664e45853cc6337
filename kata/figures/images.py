"""Figures that are made of images: grids of samples, and fields of velocity."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kata.figures.style import DIVERGING, FIGURE_WIDTH, INK, MUTED, bare, new_figure, styled

STRIP_WIDTH = 5.4
IMAGE_GAP = 0.12
"""Of the space between two images, as a share of an image."""


def mosaic(images: np.ndarray) -> np.ndarray:
    """`(R, N, H, W)` to one image: R rows of N, nan between them."""
    rows, columns, height, width = images.shape
    gap = max(1, round(IMAGE_GAP * height))
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for r in range(rows):
        for c in range(columns):
            top, left = r * (height + gap), c * (width + gap)
            canvas[top : top + height, left : left + width] = images[r, c]
    return canvas


def _ink(axes: Axes, images: np.ndarray, labels: Sequence[str], colour: str = INK) -> None:
    """Images `(R, N, H, W)` in [-1, 1] as ink on paper, a label beside each row."""
    height = images.shape[2]
    step = height + max(1, round(IMAGE_GAP * height))
    bare(axes).imshow(
        np.ma.masked_invalid(mosaic(images)),
        cmap="Greys",
        vmin=-1.15,
        vmax=1,
        interpolation="nearest",
    )
    axes.set_yticks([r * step + (height - 1) / 2 for r in range(len(images))], labels)
    axes.tick_params(length=0, labelcolor=colour, labelsize=9.5)


@styled
def draw_class_grid(images: np.ndarray, title: str, labels: Sequence[str] | None = None) -> Figure:
    """Samples `(R, N, H, W)`, a label beside each row; None: a row a class, 0, 1, 2, ..."""
    rows, columns = images.shape[:2]
    width = min(FIGURE_WIDTH, 0.6 * columns + 0.6)
    figure = new_figure(0.6 * rows * min(1.0, (FIGURE_WIDTH - 0.6) / (0.6 * columns)) + 0.4, width)
    axes = figure.subplots()
    _ink(axes, images, labels or [str(k) for k in range(rows)])
    axes.set_title(title)
    return figure


@styled
def draw_scale_rows(
    images: np.ndarray,
    scales: Sequence[float],
    fidelity: Sequence[float],
    diversity: Sequence[float],
    digit: int,
) -> Figure:
    """One digit `(S, N, H, W)`, a row a guidance scale, with the two measures of each row beside it."""
    rows = len(images)
    figure = new_figure(0.72 * rows + 0.5)
    axes = figure.subplots()
    _ink(axes, images, [f"w = {scale:g}" for scale in scales])
    for r, (share, spread) in enumerate(zip(fidelity, diversity, strict=True)):
        axes.annotate(
            f"read as {digit}: {share:.0%}\nspread {spread:.2f}",
            (1.02, 1 - (r + 0.5) / rows),
            xycoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=MUTED,
        )
    axes.set_title(f"“Draw a {digit}”: a column is one starting noise")
    return figure


@styled
def draw_mode_strips(modes: Mapping[str, np.ndarray], titles: Mapping[str, str]) -> Figure:
    """Strips `(N, H, W)` by name, one below the other, each under its title."""
    count = len(next(iter(modes.values())))
    figure = new_figure(len(modes) * (4 * STRIP_WIDTH / count + 0.3), STRIP_WIDTH)
    panels = figure.subplots(len(modes), 1, squeeze=False)[:, 0]
    for axes, (name, images) in zip(panels, modes.items(), strict=True):
        half = (count + 1) // 2
        padded = np.concatenate([images, np.full_like(images[:1], np.nan)])[: 2 * half]
        _ink(axes, padded.reshape(2, half, *images.shape[1:]), ["", ""])
        axes.set_title(titles[name])
    return figure


@styled
def draw_velocity_fields(
    unconditional: np.ndarray,
    conditional: np.ndarray,
    truth: np.ndarray,
    guided: Mapping[float, np.ndarray],
    digit: int,
) -> Figure:
    """A 2 x 4 panel of fields `(H, W)` on one colour scale: what guidance mixes, and what it makes of it."""
    upper = {
        "$v_u$, any digit": unconditional,
        f"$v_c$, digit {digit}": conditional,
        "$v_c - v_u$": conditional - unconditional,
        "truth, $x_1 - x_0$": truth,
    }
    lower = {f"guided, w = {scale:g}": field for scale, field in guided.items()}
    limit = float(np.percentile(np.abs(np.stack([unconditional, conditional, truth])), 99))
    figure = new_figure(3.45)
    panels = figure.subplots(2, 4)
    for axes, (title, field) in zip(panels.flat, [*upper.items(), *lower.items()], strict=True):
        shown = bare(axes).imshow(
            field, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest"
        )
        axes.set_title(title, loc="center", fontsize=9.5)
    bar = figure.colorbar(shown, ax=panels, shrink=0.7, aspect=30, label="velocity")
    bar.outline.set_visible(False)
    return figure


@styled
def draw_straight_line(points: np.ndarray, times: Sequence[float], velocity: np.ndarray) -> Figure:
    """Images `(T, H, W)` on the line from data to noise, each under its time, and the line's direction `(H, W)`."""
    figure = new_figure(1.55)
    panels = figure.subplots(1, len(times) + 1)
    for axes, image, t in zip(panels, points, times, strict=False):
        bare(axes).imshow(image, cmap="Greys", vmin=-1.15, vmax=1, interpolation="nearest")
        axes.set_title(f"t = {t:g}", loc="center", fontsize=9.5)
    limit = float(np.abs(velocity).max()) or 1.0
    bare(panels[-1]).imshow(
        velocity, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest"
    )
    panels[-1].set_title("$v = x_1 - x_0$", loc="center", fontsize=9.5)
    return figure


@styled
def draw_modulated_tokens(tokens: np.ndarray, unchanged: np.ndarray, changed: np.ndarray) -> Figure:
    """Three heat maps of tokens `(N, F)` on one colour scale: before, and after two modulations."""
    rows = {
        "tokens $x$, a row a token": tokens,
        "scale 0, shift 0": unchanged,
        "scale rising from -1 to 1, the last features shifted too": changed,
    }
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
