"""The figures of a lesson, drawn into a folder."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from kata.desk import exhibits
from kata.desk.exhibits import Exhibit
from kata.desk.inside import FIELD_DIGIT
from kata.desk.lesson import GRID_SCALE, MODES_DIGIT, SCALES, SCALES_DIGIT, Lesson
from kata.draw.page import Picture
from kata.draw.style import save

FIGURES = 11


def hang(shown: Iterable[Exhibit], folder: Path) -> Iterator[Picture]:
    """Draw every figure into the folder, one after another, as PNG."""
    for number, exhibit in enumerate(shown, start=1):
        path = folder / f"{number:02d}_{exhibit.name}.png"
        save(exhibit.draw(), path)
        yield Picture(path, exhibit.title, exhibit.caption, exhibit.alt)


def exhibits_of(lesson: Lesson, rounds_per_epoch: float) -> list[Exhibit]:
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
            SCALES,
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
