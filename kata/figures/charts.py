"""Figures that are charts: the conditioning sum, label dropout, the loss, fidelity against diversity."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from kata.figures.style import BLUE, GREY, INK, MUTED, ORANGE, new_figure, styled

DIMENSIONS = 50
SLIVER = 0.15
"""The height of the bar of label 0, which would else not be seen."""


@styled
def draw_conditioning_sum(
    time_embedding: np.ndarray, class_embedding: np.ndarray, total: np.ndarray, t: float, y: int
) -> Figure:
    """Three bar charts of vectors `(D,)`, their first 50 dimensions, on one scale."""
    rows = (
        (time_embedding, f"$h_t$: time embedding, t = {t:g}", BLUE),
        (class_embedding, f"$h_y$: class embedding, digit {y}", ORANGE),
        (total, "$c = h_t + h_y$: what steers every block", INK),
    )
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


@styled
def draw_label_dropout(
    labels: np.ndarray, dropped: np.ndarray, null_class: int, p: float
) -> Figure:
    """Two bar charts of labels `(N,)`, before and after; dropped ones grey, as tall as the null class, and marked."""
    count = len(labels)
    gone = dropped == null_class
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
        f"after dropout with p = {p:g}: {int(gone.sum())} dropped, {int((~gone).sum())} kept "
        f"({p * count:g} expected to drop)"
    )
    panels[1].set_xticks(range(count), [str(i) for i in range(count)])
    panels[1].set_xlabel("sample")
    return figure


@styled
def draw_loss(losses: Sequence[float], per_epoch: float) -> Figure:
    """The average loss of every round; per_epoch: rounds in one pass over the data."""
    epochs = (np.arange(len(losses)) + 1) / per_epoch
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
    axes.set_title("Average training loss, 10% of the labels dropped")
    return figure


@styled
def draw_fidelity_diversity(
    scales: Sequence[float],
    shares: Sequence[float],
    spreads: Sequence[float],
    real_spread: float,
    real_share: float,
) -> Figure:
    """Share read as asked and spread within a class over the guidance scale, beside those of held-out real images."""
    figure = new_figure(4.4)
    panels = figure.subplots(2, 1, sharex=True)
    rows = (
        (panels[0], shares, real_share, BLUE, "Fidelity: share read as asked", "{:.0%}"),
        (panels[1], spreads, real_spread, ORANGE, "Diversity: spread within a class", "{:.2f}"),
    )
    for axes, values, real, colour, title, form in rows:
        axes.axhline(real, color=MUTED, linewidth=1.2, linestyle=(0, (5, 3)))
        axes.plot(scales, values, "o-", color=colour, linewidth=1.8, markersize=6)
        for i, (x, value) in enumerate(zip(scales, values, strict=True)):
            axes.annotate(
                form.format(value),
                (x, value),
                xytext=(9, -3) if i == 0 else (3, -15),
                textcoords="offset points",
                fontsize=8.5,
                color=colour,
            )
        axes.annotate(
            f"held-out real images: {form.format(real)}",
            (float(np.mean(scales[-2:])), real),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=MUTED,
        )
        axes.set_ylim(0, 1.2 * max(*values, real))
        axes.margins(x=0.07)
        axes.set_title(title)
        axes.grid(True, axis="y")
        axes.tick_params(length=0)
    panels[0].set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
    panels[1].set_xticks(list(scales), [f"{s:g}" for s in scales])
    panels[1].set_xlabel("guidance scale w")
    return figure
