"""The options that several commands share, each with its help text."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

NOTHING_WRITTEN = "Stopped by Ctrl-C; nothing was written."


class Method(StrEnum):
    """The solvers of `kata generate` and `kata evaluate`."""

    euler = "euler"
    heun = "heun"


ImplOption = Annotated[
    str, typer.Option(metavar="PATH", help="Whose steps: exercises, solutions or a folder.")
]
DataOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where MNIST lies, or is to be kept.", show_default=False),
]
DeviceOption = Annotated[
    str | None, typer.Option(help="cpu, cuda, ...; without it the best.", show_default=False)
]
RunFolderOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The folder to make. Without it: a new one in checkpoints/runs/.",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Repeats a run exactly, on a CPU.")
]
StepsOption = Annotated[int, typer.Option(metavar="N", min=1, help="Of the sampler.")]
SamplerOption = Annotated[
    Method, typer.Option(help="heun evaluates twice as many samples per step.")
]
IntervalOption = Annotated[
    str | None,
    typer.Option(
        metavar="LO,HI",
        help="Guide only at times within it, from 0 (data) to 1 (noise).",
        show_default=False,
    ),
]
