"""The training loss of a run beside the losses that the document reports."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kata.figures.style import BLUE, ORANGE, CaptionedFigure, new_figure
from kata.train.presets import DOCUMENT_LOSSES


def losses_beside_document(
    losses: Sequence[float], per_epoch: float, same_data: bool
) -> CaptionedFigure:
    """Show the average loss of every round beside the document's losses, on one scale.

    per_epoch: rounds in one pass over the data; same_data: whether that is MNIST, as in the
    document, so that the two levels can be compared.
    """
    data = "MNIST" if same_data else "8 × 8 digits"

    def draw() -> Figure:
        figure = new_figure(3.2)
        left, right = figure.subplots(1, 2, sharey=True)
        _curve(left, losses, per_epoch, BLUE)
        left.set_title(f"This run: {data}")
        left.set_ylabel("average training loss")
        _curve(right, DOCUMENT_LOSSES, 1, ORANGE)
        right.set_title("The document: MNIST")
        left.set_ylim(0, None)
        return figure

    level = (
        "Both train on MNIST, so the levels can be compared as well."
        if same_data
        else "Only the shapes can be compared: other images have another lowest loss."
    )
    return CaptionedFigure(
        "losses",
        "The training loss, beside the document's",
        "Both curves fall fast and then level off, far from 0. They cannot reach 0: many straight lines cross "
        "at one noisy image, and the network can only know their mean. The document trains a larger model: "
        f"12.4 million parameters, 30 epochs on a GPU. {level}",
        f"Two falling curves of the average training loss: this run, from {losses[0]:.3f} to {losses[-1]:.3f}, "
        f"and the document's, from {DOCUMENT_LOSSES[0]:.3f} to {DOCUMENT_LOSSES[-1]:.3f}.",
        draw,
    )


def _curve(axes: Axes, losses: Sequence[float], per_epoch: float, colour: str) -> None:
    """Draw losses over epochs, with the last one as a number."""
    epochs = (np.arange(len(losses)) + 1) / per_epoch
    axes.plot(epochs, losses, ".-", color=colour, linewidth=1.4, markersize=4)
    axes.annotate(
        f"{losses[-1]:.3f}",
        (float(epochs[-1]), losses[-1]),
        xytext=(0, 8),
        textcoords="offset points",
        ha="right",
        color=colour,
    )
    axes.set_xlim(0, None)
    axes.grid(True, axis="y")
    axes.tick_params(length=0)
    axes.set_xlabel("epoch")
