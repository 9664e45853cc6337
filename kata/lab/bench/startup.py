"""Seconds until a command has answered, beside `import torch` alone, and what it imports."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from kata.course import KataError
from kata.lab.bench.timing import in_turn, runs

TORCH = ("-c", "import torch")
STARTED = {
    "kata": ("-m", "kata"),
    "kata check 1": ("-m", "kata", "check", "1", "--impl", "solutions"),
    "kata watch": ("-c", "import kata.cli, kata.learn.watch"),
}
"""The arguments of Python for each; `kata watch` would wait for a person, so it is imported."""


class ProgramError(KataError):
    """A program that the bench measures did not run."""


@dataclass(frozen=True)
class StartUp:
    """The start of one command.

    seconds, torch: of every run, and of `import torch` alone; imported: seconds by package, without
    the standard library.
    """

    command: str
    seconds: list[float]
    torch: list[float]
    imported: dict[str, float]


def cost_of_startup(
    folder: Path, repeats: int, on_run: Callable[[], None] = lambda: None
) -> list[StartUp]:
    """Start every command of STARTED in that folder, and torch, in turn.

    on_run: called `runs_of_startup(...)` times. Raise ProgramError if one of them cannot run.
    """
    programs = {"torch": TORCH, **STARTED}
    tasks = {
        name: lambda arguments=arguments: run_python(arguments, folder)
        for name, arguments in programs.items()
    }
    seconds = in_turn(tasks, repeats, torch.device("cpu"), on_run)
    found = []
    for name, arguments in STARTED.items():
        imported = imports_of(run_python(("-X", "importtime", *arguments), folder))
        found.append(StartUp(name, seconds[name], seconds["torch"], imported))
        on_run()
    return found


def runs_of_startup(repeats: int) -> int:
    """Return how often `cost_of_startup` calls `on_run`."""
    return runs(1 + len(STARTED), repeats) + len(STARTED)


def run_python(arguments: Sequence[str], folder: Path) -> str:
    """Run Python with these arguments in that folder; return what it wrote to the error stream.

    Raise ProgramError unless it ends with 0.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise ProgramError(
            f"`python {' '.join(arguments)}` ended with {done.returncode}: run it alone to see why."
        )
    return done.stderr


def imports_of(written: str) -> dict[str, float]:
    """Return the seconds that each package took to import, the longest first, without the standard
    library; written: by `python -X importtime`.
    """
    seconds: Counter[str] = Counter()
    for line in written.splitlines():
        if line.startswith("import time:") and line.count("|") == 2:
            own, _, module = line.removeprefix("import time:").split("|")
            package = module.strip().partition(".")[0]
            if own.strip().isdigit() and package not in sys.stdlib_module_names:
                seconds[package] += int(own)
    return {package: micro / 1e6 for package, micro in seconds.most_common()}


def sentences_of_startup(found: Sequence[StartUp]) -> list[str]:
    """Return, for each command, what it imports in a hundredth of a second or more."""
    return [
        f"{start.command} imports "
        + ", ".join(
            f"{package} {seconds:.2f} s"
            for package, seconds in start.imported.items()
            if seconds >= 0.01
        )
        + "."
        for start in found
    ]
