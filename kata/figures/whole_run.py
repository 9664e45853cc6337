"""The figures of a lesson, drawn into a folder."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from kata.figures import captions as exhibits
from kata.figures.captions import CaptionedFigure
from kata.figures.style import PagePicture, save_figure
from kata.train.experiment import (
    DIGIT_SCALES,
    FIELD_DIGIT,
    GRID_SCALE,
    MODES_DIGIT,
    SCALES_DIGIT,
    Experiment,
)

FIGURES = 11


def write_figures(shown: Iterable[CaptionedFigure], folder: Path) -> Iterator[PagePicture]:
    """Draw every figure into the folder, one after another, as PNG."""
    for number, exhibit in enumerate(shown, start=1):
        path = folder / f"{number:02d}_{exhibit.name}.png"
        save_figure(exhibit.draw(), path)
        yield PagePicture(path, exhibit.title, exhibit.caption, exhibit.alt)


def figures_of_experiment(lesson: Experiment, rounds_per_epoch: float) -> list[CaptionedFigure]:
    """The document's ten figures and one more; rounds_per_epoch: values of the loss in one pass over the data."""
    inside, pictures = lesson.inside, lesson.pictures
    return [
        exhibits.class_table(inside.table_before, inside.similarity_before),
        exhibits.conditioning_sum(
            inside.time_embedding, inside.class_embedding, inside.conditioning
        ),
        exhibits.guided_fields(
            inside.unconditional,
            inside.conditional,
            inside.truth,
            inside.guided,
            FIELD_DIGIT,
            f"a held-out {FIELD_DIGIT}",
        ),
        exhibits.label_dropout(inside.labels, inside.dropped, len(inside.table_before) - 1),
        exhibits.loss(lesson.losses, rounds_per_epoch),
        exhibits.every_digit(pictures.small, GRID_SCALE),
        exhibits.by_scale(
            pictures.by_scale,
            DIGIT_SCALES,
            pictures.by_scale_fidelity,
            pictures.by_scale_diversity,
            SCALES_DIGIT,
        ),
        exhibits.more_digits(pictures.large, GRID_SCALE),
        exhibits.three_modes(pictures.modes, MODES_DIGIT, GRID_SCALE),
        exhibits.learned_table(inside.table_after, inside.similarity_after, inside.map_after),
        exhibits.fidelity_diversity(
            [m.scale for m in lesson.measurements],
            [m.read_as_asked for m in lesson.measurements],
            [m.spread for m in lesson.measurements],
            lesson.real_spread,
            lesson.accuracy,
        ),
    ]
