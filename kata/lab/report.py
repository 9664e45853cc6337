"""What a run of the demo found: the table on the terminal, the figures, and the page."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kata.figures import charts, curve, images, tables
from kata.figures.losses import losses_beside_document
from kata.figures.style import CaptionedFigure
from kata.pages import render
from kata.train.experiment import (
    DIGIT_SCALES,
    DROPOUT,
    FIELD_DIGIT,
    GRID_SCALE,
    MODES_DIGIT,
    SCALES_DIGIT,
    Experiment,
)
from kata.train.metrics import Expectation
from kata.train.presets import DOCUMENT_LOSSES, Recipe

MEASUREMENT_HEADINGS = (
    "guidance scale",
    "read as asked",
    "diversity",
    "of the real",
    "pixels outside",
)
NAMES = {
    "digits": "scikit-learn's 8x8 handwritten digits",
    "mnist": "MNIST",
}


def measurement_rows(run: Experiment) -> list[tuple[str, ...]]:
    """Return the measurements as strings: one row per scale, and one for held-out real images."""
    rows = [
        (
            f"w = {m.scale:g}",
            f"{m.read_as_asked:.1%}",
            f"{m.spread:.3f}",
            f"{m.spread / run.real_spread:.2f}",
            f"{m.outside:.1%}",
        )
        for m in run.measurements
    ]
    real = ("real, held out", f"{run.accuracy:.1%}", f"{run.real_spread:.3f}", "1.00", "0.0%")
    return [*rows, real]


def print_report(console: Console, run: Experiment, found: Sequence[Expectation]) -> None:
    """Print the table, and one line per expectation, in at most 80 columns."""
    count = run.measurements[0].samples
    rows = measurement_rows(run)
    table = Table(title=f"{count} samples per scale, all from the same noise", title_justify="left")
    for i, heading in enumerate(MEASUREMENT_HEADINGS):
        table.add_column(heading, justify="right" if i else "left")
    for i, row in enumerate(rows):
        table.add_row(*row, end_section=i == len(rows) - 2)
    console.print(table)
    console.print(
        f"The classifier reads {run.accuracy:.1%} of held-out real images correctly.",
        highlight=False,
    )
    for expectation in found:
        word = Text("holds   ", "green") if expectation.holds else Text("missed  ", "bold red")
        console.print(word + Text(f"{expectation.claim}: {expectation.measured}"), soft_wrap=True)


def figures_of(run: Experiment, recipe: Recipe, dataset: str) -> list[CaptionedFigure]:
    """Return the figures of a run, in the order of the page: what was drawn, what it cost, and
    how it came about.

    dataset: `digits` or `mnist`.
    """
    inside, grids = run.inside, run.pictures
    return [
        images.more_digits(grids.large, GRID_SCALE),
        images.three_modes(grids.modes, MODES_DIGIT, GRID_SCALE),
        images.by_scale(
            grids.by_scale,
            DIGIT_SCALES,
            grids.by_scale_fidelity,
            grids.by_scale_diversity,
            SCALES_DIGIT,
        ),
        curve.fidelity_diversity(
            curve.Curve(
                [m.scale for m in run.measurements],
                [m.read_as_asked for m in run.measurements],
                [m.spread for m in run.measurements],
                run.accuracy,
                run.real_spread,
                run.measurements[0].samples,
            )
        ),
        losses_beside_document(run.losses, recipe.rounds_per_epoch, dataset == "mnist"),
        tables.learned_table(inside.table_after, inside.similarity_after, inside.map_after),
        tables.class_table(inside.table_before, inside.similarity_before),
        charts.conditioning_sum(inside.time_embedding, inside.class_embedding, inside.conditioning),
        images.guided_fields(
            inside.unconditional,
            inside.conditional,
            inside.truth,
            inside.guided,
            FIELD_DIGIT,
            f"a held-out {FIELD_DIGIT}",
        ),
        images.label_dropout(
            inside.labelled, inside.labels, inside.dropped, len(inside.table_before) - 1, DROPOUT
        ),
        images.every_digit(grids.small, GRID_SCALE),
    ]


def page_of(
    facts: dict[str, Any],
    run: Experiment,
    found: Sequence[Expectation],
    figures: Sequence[CaptionedFigure],
) -> str:
    """Return the page of a run as HTML; facts: those of metrics.json."""
    return render(
        "run.html",
        facts=facts,
        dataset=NAMES[facts["dataset"]],
        parameters=run.parameters,
        width=run.inside.table_after.shape[1],
        scale=GRID_SCALE,
        document=DOCUMENT_LOSSES,
        accuracy=run.accuracy,
        samples=run.measurements[0].samples,
        headings=MEASUREMENT_HEADINGS,
        rows=measurement_rows(run),
        expectations=found,
        figures=figures,
    )
