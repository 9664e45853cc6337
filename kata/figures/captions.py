"""Every figure with its words: what it shows, what it teaches, and a text for those who cannot see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from kata.figures import charts, images, tables
from kata.train.experiment import DROPOUT, FIELD_TIME, SUM_DIGIT, SUM_TIME


@dataclass(frozen=True)
class CaptionedFigure:
    """One figure: its file's name, its words, and how it is drawn."""

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[], Figure]


def class_table(table: np.ndarray, similarity: np.ndarray) -> CaptionedFigure:
    """A new class table `(K + 1, D)`, and the correlation of its rows."""
    title = "The class table before training"
    width = table.shape[1]
    return CaptionedFigure(
        "class_table",
        title,
        f"Eleven rows of {width} small random numbers: one for each digit, and one, the null row, for "
        "“any digit”. No two rows have anything to do with each other yet: beside the diagonal the "
        "similarities are close to 0.",
        f"Left: the class table as an image of 11 rows and {width} columns of noise. Right: its 11 by 11 "
        "correlation matrix, dark on the diagonal and nearly white elsewhere.",
        lambda: tables.draw_class_table(table, similarity, title),
    )


def conditioning_sum(
    time_embedding: np.ndarray, class_embedding: np.ndarray, total: np.ndarray
) -> CaptionedFigure:
    """Time embedding, class embedding and their sum, each `(D,)`."""
    return CaptionedFigure(
        "conditioning_sum",
        "Time plus class",
        "The network is told the time and the class by one vector, their plain sum. Each keeps its own "
        "pattern in it, and the layers that read the sum can listen to either.",
        f"Three bar charts of 50 dimensions: the time embedding for t = {SUM_TIME}, the class embedding of "
        f"digit {SUM_DIGIT}, and their sum.",
        lambda: charts.draw_conditioning_sum(
            time_embedding, class_embedding, total, SUM_TIME, SUM_DIGIT
        ),
    )


def modulation(tokens: np.ndarray, unchanged: np.ndarray, changed: np.ndarray) -> CaptionedFigure:
    """Tokens `(N, F)` before and after `modulate`, without and with a scale and a shift."""
    return CaptionedFigure(
        "modulation",
        "Scale and shift",
        "Tokens before and after modulate. Scale and shift zero change nothing. Then the scale rises from -1, which "
        "silences a feature, to 1, which doubles it, and the last features are shifted as well.",
        "Three heat maps of the same tokens: as they are, modulated by zeros and looking the same, and modulated by a "
        "scale that rises from left to right: pale at the left, strong at the right, shifted at the right edge.",
        lambda: images.draw_modulated_tokens(tokens, unchanged, changed),
    )


def guided_fields(
    unconditional: np.ndarray,
    conditional: np.ndarray,
    truth: np.ndarray,
    guided: Mapping[float, np.ndarray],
    digit: int,
    whose: str,
) -> CaptionedFigure:
    """Fields of velocity `(H, W)`; whose: the image that they are taken at, such as "a held-out 7"."""
    scales = ", ".join(f"{scale:g}" for scale in guided)
    return CaptionedFigure(
        "guided_fields",
        f"What makes it a {digit}",
        f"Velocities of the trained model at one noisy image (t = {FIELD_TIME}) of {whose}: "
        "asked for any digit, asked for this one, and the difference, which guidance amplifies. Below, that "
        "difference is added w times: w = 1 is the conditional velocity, and large scales overdo it.",
        "Eight fields of velocity in red and blue: unconditional, conditional, their difference and the "
        f"ground truth above, guided at scales {scales} below, with growing contrast.",
        lambda: images.draw_velocity_fields(unconditional, conditional, truth, guided, digit),
    )


def label_dropout(labels: np.ndarray, dropped: np.ndarray, null_class: int) -> CaptionedFigure:
    """Labels `(N,)` before and after step 4."""
    gone = int((labels != dropped).sum())
    return CaptionedFigure(
        "label_dropout",
        "Label dropout",
        f"Each label of a training batch is replaced by the null class with probability {DROPOUT}, each by a "
        "coin of its own. That is how one network learns the conditional velocity from most images and the "
        "unconditional one from the rest.",
        f"Bars of {len(labels)} labels before and after dropout; {gone} of them turned grey, marked and as tall as "
        "the null class.",
        lambda: charts.draw_label_dropout(labels, dropped, null_class, DROPOUT),
    )


def straight_line(
    points: np.ndarray, times: Sequence[float], velocity: np.ndarray
) -> CaptionedFigure:
    """Points `(T, H, W)` between an image and a noise, and the velocity `(H, W)`, which is the same at all of them."""
    return CaptionedFigure(
        "path",
        "From an image to a noise, in a straight line",
        "The points of the line at which the network is trained, and its direction, v = x₁ - x₀, which is what the "
        "network has to say at each of them.",
        f"{len(times)} images of a digit that fades into noise, and the velocity as a field in red and blue, in which "
        "the digit stands out negative.",
        lambda: images.draw_straight_line(points, times, velocity),
    )


def loss(losses: Sequence[float], per_epoch: float) -> CaptionedFigure:
    """The average loss of every round; per_epoch: rounds in one pass over the data."""
    return CaptionedFigure(
        "loss",
        "The training loss",
        "The mean squared error of the predicted velocity falls fast and then levels off, far from 0. It "
        "cannot get there: many straight lines cross at one noisy image, and the network can only know "
        "their mean.",
        f"A falling curve of the average training loss, from {losses[0]:.3f} to {losses[-1]:.3f}.",
        lambda: charts.draw_loss(losses, per_epoch),
    )


def as_asked(drawn: np.ndarray, scales: Sequence[float], title: str) -> CaptionedFigure:
    """One sample of each digit `(S, 10, H, W)`, a row a scale; title: of the figure."""
    rows = [f"w = {scale:g}" for scale in scales]
    return CaptionedFigure(
        "as_asked",
        "Asked for 0 to 9",
        "The trained model, asked for each digit from a noise of its own, the same in all rows. At w = 0 it does "
        "not hear what it is asked for; at w = 1 it mostly draws it; guidance makes it plain.",
        f"Rows of ten generated digits at {', '.join(rows)}: any digits in the first, 0 to 9 in the last.",
        lambda: images.draw_class_grid(drawn, title, rows),
    )


def every_digit(drawn: np.ndarray, scale: float) -> CaptionedFigure:
    """Samples `(10, N, H, W)`, a row a digit."""
    count = drawn.shape[1]
    return CaptionedFigure(
        "every_digit",
        "Every digit, as asked",
        f"{_in_words(count)} samples of each class at guidance scale {scale:g}, a row a digit. Each began as noise and "
        "was carried to an image by the guided velocity, in steps of Euler's method.",
        f"A grid of generated digits with ten rows, 0 to 9, and {_in_words(count).lower()} samples in each.",
        lambda: images.draw_class_grid(drawn, f"w = {scale:g}"),
    )


def more_digits(drawn: np.ndarray, scale: float) -> CaptionedFigure:
    """The like, with more of them."""
    count = _in_words(drawn.shape[1])
    return CaptionedFigure(
        "more_digits",
        f"{count} of each",
        f"More samples at scale {scale:g}, each from a noise of its own. Look along a row: the hand "
        "changes, the digit does not.",
        f"A grid of generated digits with ten rows, 0 to 9, and {count.lower()} samples in each.",
        lambda: images.draw_class_grid(drawn, f"w = {scale:g}"),
    )


def by_scale(
    drawn: np.ndarray,
    scales: Sequence[float],
    shares: Sequence[float],
    spreads: Sequence[float],
    digit: int,
) -> CaptionedFigure:
    """Samples of a digit `(S, N, H, W)`, a row a scale, with what step 8's measures say of each row."""
    return CaptionedFigure(
        "scales",
        f"“Draw a {digit}”, louder and louder",
        f"All rows start from the same {_in_words(drawn.shape[1]).lower()} noises, so that only the scale changes "
        "from row to row. Low scales "
        f"stay near the data; high ones insist on what makes a {digit} and at last overdo it: pixels "
        "leave [-1, 1], which raises the spread again.",
        f"{_in_words(len(scales))} rows of generated digits {digit} at guidance scales "
        f"{', '.join(f'{s:g}' for s in scales)}, with the share read as asked and the spread of each row.",
        lambda: images.draw_scale_rows(drawn, scales, shares, spreads, digit),
    )


def three_modes(modes: Mapping[str, np.ndarray], digit: int, scale: float) -> CaptionedFigure:
    """Strips `(N, H, W)` by the names of step 9."""
    titles = {
        "unconditional": "unconditional: null label, w = 1",
        "conditional": f"conditional: label {digit}, w = 1",
        "guided": f"guided: label {digit}, w = {scale:g}",
    }
    return CaptionedFigure(
        "three_modes",
        "One network, asked in three ways",
        f"Without a label all digits appear; with the label {digit} nearly all are a {digit}; with "
        "guidance they are clearer and more alike. Position by position the three strips start from the same "
        "noise.",
        "Three strips of sixteen generated digits: unconditional ones of all kinds, conditional and guided "
        f"ones of class {digit}.",
        lambda: images.draw_mode_strips(modes, titles),
    )


def learned_table(table: np.ndarray, similarity: np.ndarray, places: np.ndarray) -> CaptionedFigure:
    """The table `(K + 1, D)` after training, the correlation of its rows, and their places `(K + 1, 2)` on a map."""
    return CaptionedFigure(
        "learned_table",
        "What the class table learned",
        "Nothing in the loss speaks of distances between classes; what structure the rows show, they have "
        "because it helped to draw. The null row speaks for all digits; the signs of the components mean "
        "nothing, so a mirrored map is the same map.",
        "The trained class table as an image, its correlation matrix, and a map of its rows on two principal "
        "components: ten coloured circles with their digits and a grey square for the null row.",
        lambda: tables.draw_learned_table(table, similarity, places),
    )


def fidelity_diversity(
    scales: Sequence[float],
    shares: Sequence[float],
    spreads: Sequence[float],
    real_spread: float,
    real_share: float,
) -> CaptionedFigure:
    """The two measures over the scale, beside those of held-out real images."""
    return CaptionedFigure(
        "fidelity_diversity",
        "Fidelity against diversity",
        "The guidance scale is a dial with a price: above, the share of samples that a classifier reads as "
        "what was asked for; below, how much the samples of one class differ. At w = 1 the spread is nearly "
        "that of real digits, and beyond it guidance trades variety for certainty.",
        "Two curves over the guidance scale: the share read as asked rises from "
        f"{shares[0]:.0%} to {shares[-1]:.0%}, the spread changes from {spreads[0]:.2f} to {spreads[-1]:.2f}; "
        f"dashed lines mark the real images at {real_share:.0%} and {real_spread:.2f}.",
        lambda: charts.draw_fidelity_diversity(scales, shares, spreads, real_spread, real_share),
    )


def _in_words(count: int) -> str:
    words = ("None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return words[count] if count < len(words) else str(count)
