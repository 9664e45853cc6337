"""The figures of a lesson: which there are, and what each of them teaches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from kata.desk.inside import DROPOUT, FIELD_DIGIT, FIELD_TIME, SUM_DIGIT, SUM_TIME
from kata.desk.lesson import (
    GRID_SCALE,
    MODES_DIGIT,
    SCALES,
    SCALES_DIGIT,
    Lesson,
)
from kata.draw import charts, images, tables
from kata.draw.page import Picture
from kata.draw.style import save

FIGURES = 11
MODE_TITLES = {
    "unconditional": "unconditional: null label, w = 1",
    "conditional": f"conditional: label {MODES_DIGIT}, w = 1",
    "guided": f"guided: label {MODES_DIGIT}, w = {GRID_SCALE:g}",
}


@dataclass(frozen=True)
class Entry:
    """One figure: its file's name, its words, and how it is drawn."""

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[], Figure]


def hang(lesson: Lesson, rounds_per_epoch: float, folder: Path) -> Iterator[Picture]:
    """Draw every figure into the folder, one after another, as PNG."""
    for number, entry in enumerate(entries(lesson, rounds_per_epoch), start=1):
        path = folder / f"{number:02d}_{entry.name}.png"
        save(entry.draw(), path)
        yield Picture(path, entry.title, entry.caption, entry.alt)


def entries(lesson: Lesson, rounds_per_epoch: float) -> list[Entry]:
    """The document's ten figures and one more; rounds_per_epoch: values of the loss in one pass over the data."""
    inside, pictures = lesson.inside, lesson.pictures
    width = inside.table_before.shape[1]
    dropped = int((inside.labels != inside.dropped).sum())
    first, last = lesson.losses[0], lesson.losses[-1]
    shares = [m.read_as_asked for m in lesson.measurements]
    spreads = [m.spread for m in lesson.measurements]
    scales = [m.scale for m in lesson.measurements]
    return [
        Entry(
            "class_table",
            "The class table before training",
            f"Eleven rows of {width} small random numbers: one for each digit, and one, the null row, for "
            "“any digit”. No two rows have anything to do with each other yet: beside the diagonal the "
            "similarities are close to 0.",
            f"Left: the class table as an image of 11 rows and {width} columns of noise. Right: its 11 by 11 "
            "correlation matrix, dark on the diagonal and nearly white elsewhere.",
            lambda: tables.class_table(
                inside.table_before, inside.similarity_before, "The class table before training"
            ),
        ),
        Entry(
            "conditioning_sum",
            "Time plus class",
            "The network is told the time and the class by one vector, their plain sum. Each keeps its own "
            "pattern in it, and the layers that read the sum can listen to either.",
            f"Three bar charts of 50 dimensions: the time embedding for t = {SUM_TIME}, the class embedding of "
            f"digit {SUM_DIGIT}, and their sum.",
            lambda: charts.conditioning_sum(
                inside.time_embedding,
                inside.class_embedding,
                inside.conditioning,
                SUM_TIME,
                SUM_DIGIT,
            ),
        ),
        Entry(
            "guided_fields",
            f"What makes it a {FIELD_DIGIT}",
            f"Velocities of the trained model at one noisy image (t = {FIELD_TIME}) of a held-out {FIELD_DIGIT}: "
            "asked for any digit, asked for this one, and the difference, which guidance amplifies. Below, that "
            "difference is added w times: w = 1 is the conditional velocity, and large scales overdo it.",
            "Eight fields of velocity in red and blue: unconditional, conditional, their difference and the "
            "ground truth above, guided at scales 1, 3, 5 and 7 below, with growing contrast.",
            lambda: images.velocity_fields(
                inside.unconditional,
                inside.conditional,
                inside.truth,
                inside.guided,
                FIELD_DIGIT,
            ),
        ),
        Entry(
            "label_dropout",
            "Label dropout",
            f"Each label of a training batch is replaced by the null class with probability {DROPOUT}, each by a "
            "coin of its own. That is how one network learns the conditional velocity from most images and the "
            "unconditional one from the rest.",
            f"Bars of 20 labels before and after dropout; {dropped} of them turned grey, marked and as tall as "
            "the null class.",
            lambda: charts.label_dropout(
                inside.labels, inside.dropped, len(inside.table_before) - 1, DROPOUT
            ),
        ),
        Entry(
            "loss",
            "The training loss",
            "The mean squared error of the predicted velocity falls fast and then levels off, far from 0. It "
            "cannot get there: many straight lines cross at one noisy image, and the network can only know "
            "their mean.",
            f"A falling curve of the average training loss, from {first:.3f} to {last:.3f}.",
            lambda: charts.loss_curve(lesson.losses, rounds_per_epoch),
        ),
        Entry(
            "every_digit",
            "Every digit, as asked",
            f"Four samples of each class at guidance scale {GRID_SCALE:g}, a row a digit. Each began as noise and "
            "was carried to an image by the guided velocity, in steps of Euler's method.",
            "A grid of generated digits with ten rows, 0 to 9, and four samples in each.",
            lambda: images.class_grid(pictures.small, f"w = {GRID_SCALE:g}"),
        ),
        Entry(
            "scales",
            f"“Draw a {SCALES_DIGIT}”, louder and louder",
            "All rows start from the same six noises, so that only the scale changes from row to row. Low scales "
            f"stay near the data; high ones insist on what makes a {SCALES_DIGIT} and at last overdo it: pixels "
            "leave [-1, 1], which raises the spread again.",
            f"Six rows of six generated digits {SCALES_DIGIT} at guidance scales "
            f"{', '.join(f'{s:g}' for s in SCALES)}, with the share read as asked and the spread of each row.",
            lambda: images.scale_rows(
                pictures.by_scale,
                SCALES,
                pictures.by_scale_fidelity,
                pictures.by_scale_diversity,
                SCALES_DIGIT,
            ),
        ),
        Entry(
            "more_digits",
            "Eight of each",
            f"More samples at scale {GRID_SCALE:g}, each from a noise of its own. Look along a row: the hand "
            "changes, the digit does not.",
            "A grid of generated digits with ten rows, 0 to 9, and eight samples in each.",
            lambda: images.class_grid(pictures.large, f"w = {GRID_SCALE:g}"),
        ),
        Entry(
            "three_modes",
            "One network, asked in three ways",
            f"Without a label all digits appear; with the label {MODES_DIGIT} nearly all are a {MODES_DIGIT}; with "
            "guidance they are clearer and more alike. Position by position the three strips start from the same "
            "noise.",
            "Three strips of sixteen generated digits: unconditional ones of all kinds, conditional and guided "
            f"ones of class {MODES_DIGIT}.",
            lambda: images.mode_strips(pictures.modes, MODE_TITLES),
        ),
        Entry(
            "learned_table",
            "What the class table learned",
            "Nothing in the loss speaks of distances between classes; what structure the rows show, they have "
            "because it helped to draw. The null row speaks for all digits; the signs of the components mean "
            "nothing, so a mirrored map is the same map.",
            "The trained class table as an image, its correlation matrix, and a map of its rows on two principal "
            "components: ten coloured circles with their digits and a grey square for the null row.",
            lambda: tables.learned_table(
                inside.table_after, inside.similarity_after, inside.map_after
            ),
        ),
        Entry(
            "fidelity_diversity",
            "Fidelity against diversity",
            "The guidance scale is a dial with a price: above, the share of samples that a classifier reads as "
            "what was asked for; below, how much the samples of one class differ. At w = 1 the spread is nearly "
            "that of real digits, and beyond it guidance trades variety for certainty.",
            "Two curves over the guidance scale: the share read as asked rises from "
            f"{shares[0]:.0%} to {shares[-1]:.0%}, the spread changes from {spreads[0]:.2f} to {spreads[-1]:.2f}; "
            f"dashed lines mark the real images at {lesson.accuracy:.0%} and {lesson.real_spread:.2f}.",
            lambda: charts.fidelity_diversity(
                scales, shares, spreads, lesson.real_spread, lesson.accuracy
            ),
        ),
    ]
