"""Figures of the path from an image to noise, and of the walk back."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from kata.figures.grids import grid_figure, show_field
from kata.figures.style import CaptionedFigure, bare, new_figure


def straight_line(
    points: np.ndarray, times: Sequence[float], velocity: np.ndarray
) -> CaptionedFigure:
    """Show points `(T, H, W)` between an image and noise, and the velocity `(H, W)` of all of
    them.
    """

    def draw() -> Figure:
        figure = new_figure(1.2)
        panels = figure.subplots(1, len(times) + 1)
        for axes, image, t in zip(panels, points, times, strict=False):
            bare(axes).imshow(image, cmap="Greys", vmin=-1.15, vmax=1, interpolation="nearest")
            axes.set_title(f"t = {t:.2g}", loc="center", fontsize=8.5)
        show_field(panels[-1], "$v$", velocity)
        return figure

    return CaptionedFigure(
        "path",
        "A straight line from an image to noise",
        "The network is trained at the points of this line. At each of them it should predict the "
        "direction of the line, v = x₁ - x₀, which is shown at the right.",
        f"{len(times)} images of a digit that fades into noise, and the velocity as a field in red and blue, in "
        "which the digit stands out as negative.",
        draw,
    )


def denoised(
    noisy: np.ndarray,
    estimates: np.ndarray,
    scales: Sequence[float],
    digits: Sequence[int],
    time: float,
) -> CaptionedFigure:
    """Show noisy images `(R, H, W)`, and what guidance makes of each at S scales `(R, S, H, W)`.

    digits: the label of each row; time: of the noisy images.
    """
    columns = ["$x_t$", *(f"w = {scale:g}" for scale in scales)]
    rows = [f"y = {digit}" for digit in digits]
    title = f"The denoised image $x_t - t \\cdot v$ at t = {time:g}, by the guided velocity v"
    return CaptionedFigure(
        "denoised",
        "One step to the end",
        f"From each noisy image (t = {time:g}) one single step along the guided velocity leads to a guess of "
        "the clean image. w = 0 knows no label, w = 1 knows it, and larger scales exaggerate what belongs to "
        "the label. A negative scale removes it.",
        f"Rows for the labels {', '.join(map(str, digits))}: a noisy image, then the denoised one at scales "
        f"{', '.join(f'{s:g}' for s in scales)}, ever clearer to the right.",
        lambda: grid_figure(
            np.concatenate([noisy[:, None], estimates], axis=1), title, rows, columns
        ),
    )


def walk(
    points: np.ndarray, estimates: np.ndarray, times: Sequence[float], digit: int, scale: float
) -> CaptionedFigure:
    """Show a walk from noise to an image: T points and the estimates there, both `(T, H, W)`."""
    columns = [f"t = {time:.2f}" for time in times]
    return CaptionedFigure(
        "walk",
        "The walk from noise to a digit",
        "Above: the image x_t at several times of one walk. Below: where a single straight step from there "
        "would lead, x_t - t v. Early estimates are blurred, and late ones are nearly the final image.",
        f"Two rows of {len(times)} images. Above, noise turns into a {digit}; below, a blurred {digit} gets sharp.",
        lambda: grid_figure(
            np.stack([points, estimates]),
            f"A {digit}, drawn at w = {scale:g}",
            ["$x_t$", "estimate"],
            columns,
        ),
    )
