"""Charts: the conditioning sum and the training loss."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from kata.figures.style import BLUE, INK, MUTED, ORANGE, CaptionedFigure, new_figure
from kata.train.experiment import DROPOUT, SUM_DIGIT, SUM_TIME

DIMENSIONS = 50
HIGHEST_LOSS = 2.0
"""The top of the axis: a model that predicts 0 begins just below it."""


def conditioning_sum(
    time_embedding: np.ndarray, class_embedding: np.ndarray, total: np.ndarray
) -> CaptionedFigure:
    """Show time embedding, class embedding and their sum, each `(D,)`: the first 50 dimensions."""
    rows = (
        (time_embedding, f"$h_t$: time embedding, t = {SUM_TIME:g}", BLUE),
        (class_embedding, f"$h_y$: class embedding, digit {SUM_DIGIT}", ORANGE),
        (total, "$c = h_t + h_y$: what steers every block", INK),
    )

    limit = 1.1 * sum(
        float(np.abs(vector[:DIMENSIONS]).max()) for vector in (time_embedding, class_embedding)
    )

    def draw() -> Figure:
        figure = new_figure(3.6)
        panels = figure.subplots(3, 1, sharex=True, sharey=True)
        for axes, (vector, title, colour) in zip(panels, rows, strict=True):
            axes.bar(range(len(vector[:DIMENSIONS])), vector[:DIMENSIONS], color=colour, width=0.75)
            axes.axhline(0, color=MUTED, linewidth=0.6)
            axes.set_title(title)
            axes.grid(True, axis="y")
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(length=0)
            axes.margins(x=0.01)
            axes.set_ylim(-limit, limit)
        panels[-1].set_xlabel("dimension")
        return figure

    return CaptionedFigure(
        "conditioning_sum",
        "Time plus class",
        "The network receives time and class in one vector, their plain sum. Each keeps its own pattern "
        "in the sum, and the layers that read it can respond to either.",
        f"Three bar charts of {DIMENSIONS} dimensions: the time embedding for t = {SUM_TIME}, the class "
        f"embedding of digit {SUM_DIGIT}, and their sum.",
        draw,
    )


def loss(losses: Sequence[float], per_epoch: float) -> CaptionedFigure:
    """Show the average loss of every round; per_epoch: rounds in one pass over the data."""
    epochs = (np.arange(len(losses)) + 1) / per_epoch

    def draw() -> Figure:
        figure = new_figure(2.6)
        axes = figure.subplots()
        shown = np.clip(losses, 0, HIGHEST_LOSS)
        axes.plot(epochs, shown, color=BLUE, linewidth=1.8, solid_capstyle="round")
        axes.annotate(
            f"{losses[-1]:.3f}",
            (float(epochs[-1]), float(shown[-1])),
            xytext=(0, 8),
            textcoords="offset points",
            ha="right",
            color=BLUE,
        )
        axes.set_xlim(0, None)
        axes.set_ylim(0, 1.1 * HIGHEST_LOSS)
        axes.grid(True, axis="y")
        axes.tick_params(length=0)
        axes.set_xlabel("epoch")
        axes.set_title(f"Average training loss, {DROPOUT:.0%} of the labels dropped")
        return figure

    return CaptionedFigure(
        "loss",
        "The training loss",
        "The mean squared error of the predicted velocity falls fast and then levels off, far from 0. "
        "It cannot reach 0: many straight lines cross at one noisy image, and the network can only "
        "know their mean.",
        f"A falling curve of the average training loss, from {losses[0]:.3f} to {losses[-1]:.3f}.",
        draw,
    )
