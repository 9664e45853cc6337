"""What a run found, for the terminal and for the page."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from kata.desk.lesson import Lesson
from kata.draw.page import Claim, Picture, Table, render
from kata.train.evaluation import Expectation

HEADINGS = ("guidance scale", "read as asked", "spread", "of the real", "pixels outside")
NAMES = {
    "digits": "scikit-learn's 8x8 handwritten digits",
    "mnist": "MNIST",
}


def table_of(lesson: Lesson) -> Table:
    """The measurements as strings: a row a scale, and one for held-out real images."""
    rows = [
        (
            f"w = {m.scale:g}",
            f"{m.read_as_asked:.1%}",
            f"{m.spread:.3f}",
            f"{m.spread / lesson.real_spread:.2f}",
            f"{m.outside:.1%}",
        )
        for m in lesson.measurements
    ]
    real = ("real, held out", f"{lesson.accuracy:.1%}", f"{lesson.real_spread:.3f}", "1.00", "0.0%")
    return Table(HEADINGS, [*rows, real])


def print_report(console: Console, lesson: Lesson, found: Sequence[Expectation]) -> None:
    """The table, and a line an expectation, in at most 80 columns."""
    count = lesson.measurements[0].samples
    strings = table_of(lesson)
    table = RichTable(
        title=f"{count} samples a scale, all from the same noise", title_justify="left"
    )
    for i, heading in enumerate(strings.headings):
        table.add_column(heading, justify="right" if i else "left")
    for i, row in enumerate(strings.rows):
        table.add_row(*row, end_section=i == len(strings.rows) - 2)
    console.print(table)
    console.print(
        f"The classifier reads {lesson.accuracy:.1%} of held-out real images rightly.",
        highlight=False,
    )
    for expectation in found:
        word = Text("holds   ", "green") if expectation.holds else Text("missed  ", "bold red")
        console.print(word + Text(f"{expectation.claim}: {expectation.measured}"), soft_wrap=True)


def page_of(
    facts: dict[str, Any],
    lesson: Lesson,
    found: Sequence[Expectation],
    pictures: Sequence[Picture],
) -> str:
    """The page of a run as HTML; facts: those of metrics.json."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return render(
        title="Told to draw a 7, it draws a 7",
        lead=f"A diffusion transformer of {lesson.parameters:,} parameters was trained by flow matching on "
        f"{NAMES[facts['dataset']]}, with a tenth of the labels dropped, and asked for every digit with "
        "classifier-free guidance. Every number and every picture below is from this one run.",
        pictures=pictures,
        table=table_of(lesson),
        notes=f"{lesson.measurements[0].samples} samples at each scale, the same number of every class, all "
        "scales from the same noise. Read as asked: the share in which a classifier, trained on the spot, sees "
        f"the digit that was asked for; it reads {lesson.accuracy:.1%} of held-out real images rightly. Spread: "
        "the standard deviation of a pixel over the samples of one class, averaged over pixels and classes. "
        "Pixels outside: the share beyond [-1, 1] by more than 0.05, a sign of over-saturation.",
        claims=[Claim(e.claim, e.measured, e.holds) for e in found],
        footer=f"Implementation {facts['implementation']}, seed {facts['seed']}, on {facts['device']}, {versions}.",
    )
