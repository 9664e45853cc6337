"""Charts in which a law is a line, and the learner's numbers are dots or bars beside it."""

from collections.abc import Sequence
from math import comb

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kata.figures.style import BLUE, GREY, INK, MUTED, ORANGE, CaptionedFigure, new_figure

SMALLEST_SIZE, LARGEST_SIZE = 0.02, 100.0
"""The axis of sizes: what is smaller or larger stands at its end."""

SMALLEST_ERROR, LARGEST_ERROR = 1e-3, 30.0
SMALLEST_DIVERSITY, LARGEST_DIVERSITY = 0.02, 3.0


def embedding_sizes(
    class_sizes: np.ndarray, time_sizes: np.ndarray, moved: np.ndarray
) -> CaptionedFigure:
    """Show the norms of h_y `(K + 1,)` beside those of h_t `(T,)`, and how far each row moved in
    one step of training, as a share of what is expected `(K + 1,)`.
    """
    names = [*(str(k) for k in range(len(class_sizes) - 1)), "∅"]
    low, high = float(time_sizes.min()), float(time_sizes.max())

    def draw() -> Figure:
        figure = new_figure(2.7)
        left, right = figure.subplots(1, 2)
        left.axhspan(low, high, color=GREY, alpha=0.45, linewidth=0)
        left.annotate("$h_t$, the time", (0, high), (0, 3), textcoords="offset points", color=MUTED)
        sizes = np.clip(class_sizes, SMALLEST_SIZE, LARGEST_SIZE)
        left.plot(sizes, "o", color=ORANGE, clip_on=False, zorder=3)
        left.set(yscale="log", ylim=(SMALLEST_SIZE, LARGEST_SIZE))
        left.set_title("Length of $h_y$, new, beside that of $h_t$")
        right.axhline(1, color=GREY, linewidth=1.2, linestyle=(0, (5, 3)))
        right.bar(range(len(moved)), np.clip(moved, 0, 1.6), color=ORANGE, width=0.6)
        right.set_ylim(0, 1.6)
        right.set_title("How far one training step moves it")
        for axes in (left, right):
            _quiet(axes)
            axes.set_xticks(range(len(names)), names)
            axes.set_xlabel("label")
        return figure

    return CaptionedFigure(
        "embedding_sizes",
        "How large the class is beside the time",
        "Left: the new rows are small beside the time embedding, so the class does not drown the time at the "
        "start. Right: one training step in which every label occurs twice. All eleven rows should move, the "
        "null row (∅) too, as far as the dashed line.",
        "Left: eleven dots at one small length, below a grey band for the time embedding. Right: eleven bars, "
        "all as high as a dashed line.",
        draw,
    )


def drop_counts(
    counts: Sequence[np.ndarray],
    probabilities: Sequence[float],
    batch_size: int,
    places: np.ndarray,
) -> CaptionedFigure:
    """Show drops per batch `(N,)` for each probability, beside the binomial law, and the share of
    batches in which each place was dropped, `(batch_size,)`, at the first probability.
    """
    batches = len(counts[0])

    def draw() -> Figure:
        figure = new_figure(2.5)
        panels = figure.subplots(1, len(counts) + 1)
        drops = np.arange(batch_size + 1)
        for axes, found, p in zip(panels, counts, probabilities, strict=False):
            shares = np.bincount(np.clip(found, 0, batch_size), minlength=len(drops)) / batches
            law = [comb(batch_size, int(k)) * p**k * (1 - p) ** (batch_size - k) for k in drops]
            axes.bar(drops, shares, color=BLUE, width=0.75)
            axes.plot(drops, law, "o-", color=ORANGE, markersize=3, linewidth=1)
            axes.set(xlim=(-0.8, batch_size / 2 + 0.8), ylim=(0, 0.42))
            axes.set_title(f"p = {p:g}: drops per batch", fontsize=9)
            axes.set_xlabel(f"labels dropped of {batch_size}")
        panels[-1].bar(range(batch_size), places, color=BLUE, width=0.75)
        panels[-1].axhline(probabilities[0], color=ORANGE, linewidth=1)
        panels[-1].set_ylim(0, 0.42)
        panels[-1].set_title(f"p = {probabilities[0]:g}: drops per place", fontsize=9)
        panels[-1].set_xlabel("place in the batch")
        for axes in panels:
            _quiet(axes)
            axes.set_yticks([0, 0.1, 0.2, 0.3, 0.4], ["0", "10%", "20%", "30%", "40%"])
        return figure

    return CaptionedFigure(
        "drop_counts",
        "How many labels are dropped",
        f"{batches} batches of {batch_size} labels each. Blue: what was counted. Orange: the binomial law, which "
        "holds if every label has a coin of its own. At the right: no place in the batch is preferred.",
        "Two histograms of drops per batch that follow an orange curve, and bars of equal height for the places "
        "of the batch.",
        draw,
    )


def labels_left(left: np.ndarray, probability: float) -> CaptionedFigure:
    """Show the share of stored labels that are still there after each epoch, `(E,)`."""
    epochs = np.arange(1, len(left) + 1)

    def draw() -> Figure:
        figure = new_figure(2.2)
        axes = figure.subplots()
        axes.plot(
            epochs, (1 - probability) ** epochs, color=GREY, linewidth=1.4, linestyle=(0, (5, 3))
        )
        axes.annotate("if the stored labels were overwritten", (8, 0.5), color=MUTED, fontsize=8.5)
        axes.plot(epochs, left, "o-", color=BLUE, markersize=4, clip_on=False)
        for epoch in (1, 5, len(left)):
            axes.annotate(
                f"{left[epoch - 1]:.0%}",
                (epoch, left[epoch - 1]),
                (0, -14),
                textcoords="offset points",
                ha="center",
                color=BLUE,
                fontsize=8.5,
            )
        _quiet(axes)
        axes.set(ylim=(0, 1.05), xlim=(0.5, len(left) + 0.5), xlabel="epoch")
        axes.set_xticks([1, 5, 10, 15, 20])
        axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
        axes.set_title("Labels of the data set that are still there")
        return figure

    return CaptionedFigure(
        "labels_left",
        "What the data set keeps",
        f"The same stored labels go through drop_labels once per epoch, with p = {probability:g}. The data set must "
        "keep all of them, so the line stays at 100%. If the function wrote into them, they would be lost as "
        "the dashed line shows.",
        f"A line over {len(left)} epochs that ends at {left[-1]:.0%}, above a dashed line that falls.",
        draw,
    )


def euler_error(
    steps: Sequence[int], errors: dict[float, np.ndarray], laws: dict[float, np.ndarray]
) -> CaptionedFigure:
    """Show errors of sampling `(len(steps),)` over the number of steps, by guidance scale, and
    those of exact Euler steps as lines.
    """

    def draw() -> Figure:
        figure = new_figure(2.9)
        axes = figure.subplots()
        for (scale, found), colour in zip(errors.items(), (BLUE, ORANGE), strict=True):
            axes.plot(steps, laws[scale], color=GREY, linewidth=1.4, zorder=1)
            shown = np.clip(found, SMALLEST_ERROR, LARGEST_ERROR)
            axes.plot(steps, shown, "o", color=colour, label=f"yours, w = {scale:g}", clip_on=False)
        axes.plot([], [], color=GREY, linewidth=1.4, label="Euler's method")
        axes.set(xscale="log", yscale="log", ylim=(SMALLEST_ERROR, LARGEST_ERROR))
        axes.set_xticks(steps, [str(n) for n in steps])
        axes.set_xticks([], minor=True)
        axes.legend(loc="lower left")
        _quiet(axes)
        axes.set_xlabel("number of steps")
        axes.set_title("Distance from the exact end of the walk")
        return figure

    return CaptionedFigure(
        "euler_error",
        "Twice the steps, half the error",
        "The sampler walks in a small Gaussian world, where the exact end is known by a formula. Grey: Euler's "
        "method. Dots: your sampler. From some steps on, twice as many steps halve the error.",
        f"Errors over {steps[0]} to {steps[-1]} steps on logarithmic axes: dots on two grey lines that fall.",
        draw,
    )


def guidance_law(
    scales: Sequence[float],
    diversity: np.ndarray,
    law: np.ndarray,
    fidelity: np.ndarray,
    ends: np.ndarray,
    samples: int,
) -> CaptionedFigure:
    """Show diversity and fidelity over S scales, each `(S,)`, beside the law of the diversity, and
    one pixel of some samples over the scale, `(S, M)`.
    """

    def draw() -> Figure:
        figure = new_figure(2.9)
        left, middle, right = figure.subplots(1, 3)
        left.plot(scales, law, color=GREY, linewidth=1.6, zorder=1)
        shown = np.clip(diversity, SMALLEST_DIVERSITY, LARGEST_DIVERSITY)
        left.plot(scales, shown, "o", color=ORANGE, clip_on=False)
        left.set(yscale="log", ylim=(SMALLEST_DIVERSITY, LARGEST_DIVERSITY))
        left.set_title("Diversity, and its law", fontsize=9)
        middle.plot(scales, np.clip(fidelity, -0.05, 1.1), "o-", color=BLUE, clip_on=False)
        middle.set(ylim=(-0.05, 1.1))
        middle.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
        middle.set_title("Fidelity: read as asked", fontsize=9)
        right.plot(scales, np.clip(ends, -4, 8), "-", color=INK, linewidth=0.8)
        right.set(ylim=(-4, 8))
        right.set_title("A pixel of a few samples", fontsize=9)
        for axes in (left, middle, right):
            _quiet(axes)
            axes.set_xlim(min(scales) - 0.3, max(scales) + 0.3)
            axes.set_xlabel("guidance scale w")
        return figure

    return CaptionedFigure(
        "guidance_law",
        "The law of guidance",
        f"{samples} samples per scale in a small Gaussian world. Grey: the law, the diversity is s_c^w · s_u^(1-w), "
        "with s_c and s_u the deviations of the class and of all. Fidelity rises as diversity falls. At the "
        "right, each line is one starting noise: it moves smoothly, because only w changes.",
        "Left: dots of the diversity on a falling line. Middle: a rising curve of the fidelity. Right: smooth "
        "lines that come together as w grows.",
        draw,
    )


def _quiet(axes: Axes) -> None:
    axes.grid(True, axis="y")
    axes.tick_params(length=0, which="both")
