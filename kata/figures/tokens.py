"""Figures of the inside of the network: patches, tokens, and where the condition enters."""

import numpy as np
from matplotlib.figure import Figure

from kata.figures.style import BLUE, DIVERGING, GREY, ORANGE, CaptionedFigure, bare, new_figure

TOKEN_LIMIT = 3.0


def patches_and_tokens(
    image: np.ndarray, patch_size: int, tokens: np.ndarray, heard: np.ndarray, changed: np.ndarray
) -> CaptionedFigure:
    """Show an image `(H, W)` in its patches, the tokens `(N, D)` that enter the first block, and
    how much another label changes the condition at each of L blocks, `(L,)`, and the tokens after
    0 ... L blocks, `(L + 1,)`, both relative.
    """
    count, width = tokens.shape
    across = image.shape[1] // patch_size

    def draw() -> Figure:
        figure = new_figure(2.5)
        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.3])
        bare(left).imshow(image, cmap="Greys", vmin=-1.15, vmax=1, interpolation="nearest")
        for edge in range(1, across):
            left.axhline(edge * patch_size - 0.5, color=ORANGE, linewidth=0.9)
            left.axvline(edge * patch_size - 0.5, color=ORANGE, linewidth=0.9)
        left.set_title(f"{across} × {across} patches", fontsize=9)
        middle.imshow(
            tokens,
            cmap=DIVERGING,
            vmin=-TOKEN_LIMIT,
            vmax=TOKEN_LIMIT,
            aspect="auto",
            interpolation="nearest",
        )
        middle.set_title(f"{count} tokens, one per row", fontsize=9)
        middle.set_xlabel(f"{width} features")
        middle.tick_params(length=0)
        blocks = len(heard)
        right.plot(range(1, blocks + 1), heard, "s", color=ORANGE, label="c at the block")
        right.plot(range(blocks + 1), changed, "o-", color=BLUE, label="tokens after it")
        right.axhline(0, color=GREY, linewidth=0.8)
        right.set(ylim=(-0.05, 1.6), xlabel="block (0: before the first)")
        right.set_xticks(range(blocks + 1))
        right.tick_params(length=0)
        right.legend(loc="upper left")
        right.set_title("What another label changes", fontsize=9)
        return figure

    return CaptionedFigure(
        "patches_and_tokens",
        "Patches, tokens, and where the label enters",
        f"The image is cut into {count} patches, and each becomes one token. The label reaches every block through "
        "the condition c (orange squares). Before the first block the tokens know nothing of it; each block "
        "lets it change them more (blue dots).",
        f"A digit under an orange grid, its {count} tokens as rows of red and blue, and a chart: the blue dots "
        "start at 0 and rise from block to block.",
        draw,
    )
