"""What `kata evaluate` found, for the terminal and as a picture."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from kata.course.paths import shown
from kata.desk.options import OptionError
from kata.desk.studio import Sampling

HEADINGS = (
    "w",
    "read as\nasked",
    "spread",
    "of the\nreal",
    "Fréchet\ndistance",
    "nearest",
    "pixels\noutside",
    "evaluated",
    "seconds",
)


def print_scores(report: Mapping[str, Any], console: Console) -> None:
    """The table of scales and the lines below it, in at most 80 columns; report: of `evaluate_checkpoint`."""
    console.print(
        f"{report['checkpoint']}: {report['parameters']:,} parameters, {report['dataset']}. "
        f"{report['scales'][0]['samples']} samples a scale, all from the same noise, "
        f"{_sampling(report['sampling'])}.",
        highlight=False,
    )
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", vertical="bottom")
    real = report["real"]
    for row in report["scales"]:
        table.add_row(
            f"{row['scale']:g}",
            *_cells(row, real),
            f"{row['evaluated']:,}",
            f"{row['seconds']:.1f}",
        )
    table.add_section()
    table.add_row("real", *_cells(real, real), "", "")
    console.print(table)
    losses, reader = report["losses"], report["model_as_classifier"]
    lines = (
        (
            "held-out loss",
            f"right label {losses['right']:.4f}, null {losses['null']:.4f}, wrong {losses['wrong']:.4f}",
        ),
        ("", f"0.9 right + 0.1 null: {losses['mix']:.4f}"),
        (
            "the model as classifier",
            f"{reader['accuracy']:.1%} of {reader['images']} held-out images, "
            f"{reader['pairs']} noises each",
        ),
        ("the classifier", f"{report['classifier_accuracy']:.2%} of all held-out images"),
        (
            "in all",
            f"{report['evaluated']:,} samples evaluated in {report['seconds']['all']:.0f} s",
        ),
    )
    grid = Table.grid(padding=(0, 2))
    for name, text in lines:
        grid.add_row(name, text)
    console.print(grid, highlight=False)
    console.print(
        "\nreal: held-out images. Read as asked: by the classifier. Spread: the standard deviation of a pixel within a "
        "class. Fréchet distance: in the classifier's features, to training images, "
        f"{report['frechet_per_class']} a class; beside real its floor, of as many others. Nearest: mean distance "
        "to the nearest training image. Pixels outside: beyond [-1, 1] by more than 0.05.",
        style="dim",
        highlight=False,
    )


def write_scores(
    report: Mapping[str, Any], files: Mapping[str, Path | None], console: Console
) -> None:
    """Write what is asked for, `--json` and `--picture`, and say where. OptionError where that fails."""
    for option, path in files.items():
        if path is None:
            continue
        try:
            _WRITERS[option](report, path)
        except OSError as error:
            raise OptionError(
                f"{option} {shown(path)}: writing failed ({error.strerror or error}); name another file."
            ) from None
        print(f"{option.removeprefix('--'):<9}{shown(path)}", file=console.file)


def _write_numbers(report: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _draw_picture(report: Mapping[str, Any], path: Path) -> None:
    """Fidelity against diversity, as PNG."""
    from kata.draw.charts import fidelity_diversity
    from kata.draw.style import save

    rows = report["scales"]
    figure = fidelity_diversity(
        [row["scale"] for row in rows],
        [row["read_as_asked"] for row in rows],
        [row["spread"] for row in rows],
        report["real"]["spread"],
        report["real"]["read_as_asked"],
    )
    save(figure, path)


_WRITERS = {"--json": _write_numbers, "--picture": _draw_picture}


def _cells(row: Mapping[str, Any], real: Mapping[str, Any]) -> list[str]:
    return [
        f"{row['read_as_asked']:.1%}",
        f"{row['spread']:.3f}",
        f"{row['spread'] / real['spread']:.2f}",
        f"{row['frechet']:.2f}",
        f"{row['nearest']:.3f}",
        f"{row['outside']:.1%}",
    ]


def _sampling(sampling: Mapping[str, Any]) -> str:
    return str(Sampling(**{**sampling, "interval": tuple(sampling["interval"])}))
