"""Charts: the conditioning sum, label dropout and the training loss."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from kata.figures.style import BLUE, GREY, INK, MUTED, ORANGE, CaptionedFigure, new_figure
from kata.train.experiment import DROPOUT, SUM_DIGIT, SUM_TIME

DIMENSIONS = 50
SLIVER = 0.15
"""The height of the bar of label 0, which could not be seen otherwise."""


def conditioning_sum(
    time_embedding: np.ndarray, class_embedding: np.ndarray, total: np.ndarray
) -> CaptionedFigure:
    """Show time embedding, class embedding and their sum, each `(D,)`: the first 50 dimensions."""
    rows = (
        (time_embedding, f"$h_t$: time embedding, t = {SUM_TIME:g}", BLUE),
        (class_embedding, f"$h_y$: class embedding, digit {SUM_DIGIT}", ORANGE),
        (total, "$c = h_t + h_y$: what steers every block", INK),
    )

    def draw() -> Figure:
        figure = new_figure(4.6)
        panels = figure.subplots(3, 1, sharex=True, sharey=True)
        for axes, (vector, title, colour) in zip(panels, rows, strict=True):
            axes.bar(range(len(vector[:DIMENSIONS])), vector[:DIMENSIONS], color=colour, width=0.75)
            axes.axhline(0, color=MUTED, linewidth=0.6)
            axes.set_title(title)
            axes.grid(True, axis="y")
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(length=0)
            axes.margins(x=0.01)
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


def label_dropout(labels: np.ndarray, dropped: np.ndarray, null_class: int) -> CaptionedFigure:
    """Show labels `(N,)` before and after dropout; dropped ones grey, marked, as tall as the
    null class.
    """
    count = len(labels)
    gone = dropped == null_class

    def draw() -> Figure:
        figure = new_figure(4.0)
        panels = figure.subplots(2, 1, sharex=True, sharey=True)
        colours = [GREY if g else BLUE for g in gone]
        for axes, values, shades in ((panels[0], labels, BLUE), (panels[1], dropped, colours)):
            axes.bar(range(count), np.maximum(values, SLIVER), color=shades, width=0.7)
            axes.set_yticks([0, 3, 6, 9, null_class], ["0", "3", "6", "9", "null"])
            axes.set_ylabel("label")
            axes.grid(True, axis="y")
            axes.tick_params(length=0)
            axes.margins(x=0.01)
            axes.set_ylim(0, null_class + 2.2)
        for i in np.flatnonzero(gone):
            panels[1].annotate(
                f"was {labels[i]}", (float(i), null_class + 0.3), ha="center", fontsize=8, color=INK
            )
        panels[0].set_title(f"{count} labels of a batch")
        panels[1].set_title(
            f"after dropout with p = {DROPOUT:g}: {int(gone.sum())} dropped, {int((~gone).sum())} kept "
            f"({DROPOUT * count:g} expected to drop)"
        )
        panels[1].set_xticks(range(count), [str(i) for i in range(count)])
        panels[1].set_xlabel("sample")
        return figure

    return CaptionedFigure(
        "label_dropout",
        "Label dropout",
        f"Each label of a training batch is replaced by the null class with probability {DROPOUT}, "
        "independently of the others. So one network learns the conditional velocity from most images "
        "and the unconditional one from the rest.",
        f"Bars of {count} labels before and after dropout; {int((labels != dropped).sum())} of them turned "
        "grey, marked and as tall as the null class.",
        draw,
    )


def loss(losses: Sequence[float], per_epoch: float) -> CaptionedFigure:
    """Show the average loss of every round; per_epoch: rounds in one pass over the data."""
    epochs = (np.arange(len(losses)) + 1) / per_epoch

    def draw() -> Figure:
        figure = new_figure(3.0)
        axes = figure.subplots()
        axes.plot(epochs, losses, color=BLUE, linewidth=1.8, solid_capstyle="round")
        axes.annotate(
            f"{losses[-1]:.3f}",
            (float(epochs[-1]), losses[-1]),
            xytext=(0, 8),
            textcoords="offset points",
            ha="right",
            color=BLUE,
        )
        axes.set_xlim(0, None)
        axes.set_ylim(0, None)
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
