"""Progress for people: bars on a terminal, single lines anywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text


class Stages:
    """The stages of a run, each with its own progress, and all of them together.

    seconds: the stages in their order, with about how long each takes (only the ratios matter);
    lines: how many are printed per stage without a terminal.
    """

    def __init__(self, console: Console, seconds: dict[str, float], lines: int = 4) -> None:
        self.console = console
        self.seconds = seconds
        self.lines = lines
        self.given = 0.0
        self.started = time.monotonic()
        self.took: dict[str, float] = {}
        self.bars = _bars(console) if console.is_terminal else None
        self.all = (
            self.bars.add_task(
                "all", total=sum(seconds.values()), note="", visible=len(seconds) > 1
            )
            if self.bars
            else None
        )

    def __enter__(self) -> Self:
        if self.bars:
            self.bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bars:
            self.bars.stop()

    @contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> "Iterator[Stage]":
        """Enter one stage of `total` parts, of which `done` were done before."""
        stage = Stage(self, name, total, done)
        self.given += self.seconds[name] * done / total
        stage.show()
        began = time.monotonic()
        yield stage
        self.took[name] = time.monotonic() - began
        stage.finish()

    def left(self, name: str, share: float) -> float:
        """Return the seconds left when `share` of the named stage is done, by the pace so far."""
        names = list(self.seconds)
        before = sum(self.seconds[n] for n in names[: names.index(name)])
        done = before + share * self.seconds[name]
        elapsed = time.monotonic() - self.started
        here = done - self.given
        return elapsed * (sum(self.seconds.values()) - done) / here if here > 0 else 0.0


class Stage:
    """What is done in one stage, and a note beside it, such as the loss."""

    def __init__(self, stages: Stages, name: str, total: int, done: int = 0) -> None:
        self.stages, self.name, self.total = stages, name, total
        self.done, self.note, self.told = done, "", -1
        bars = stages.bars
        self.bar = bars.add_task(name, total=total, completed=done, note="") if bars else None

    def advance(self, parts: int = 1, note: str | None = None) -> None:
        """Count more parts as done; note: what to show from now on (None: as before)."""
        self.done = min(self.total, self.done + parts)
        self.note = self.note if note is None else note
        self.show()

    def finish(self) -> None:
        """Count all parts as done."""
        self.done = self.total
        self.show()

    def show(self) -> None:
        """Move the bars; without a terminal, print a line at times."""
        share = self.done / self.total
        if self.stages.bars and self.bar is not None and self.stages.all is not None:
            self.stages.bars.update(self.bar, completed=self.done, note=self.note)
            before = list(self.stages.seconds).index(self.name)
            earlier = sum(list(self.stages.seconds.values())[:before])
            self.stages.bars.update(
                self.stages.all, completed=earlier + share * self.stages.seconds[self.name]
            )
            return
        if (told := int(share * self.stages.lines)) > self.told:
            self.told = told
            left = f"{self.stages.left(self.name, share):.0f} s left" if share else ""
            parts = [f"{self.name:<10} {share:4.0%}", self.note, left]
            print("  ".join(p for p in parts if p), file=self.stages.console.file, flush=True)


class _Left(ProgressColumn):
    """The time left, or what was taken when all is done."""

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text(f"took {_clock(task.finished_time or 0)}", style="dim")
        left = task.time_remaining
        return Text("" if left is None else f"left {_clock(left)}", style="cyan")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[note]:<11}", style="magenta"),
        _Left(),
        console=console,
        redirect_stdout=False,
        redirect_stderr=False,
        speed_estimate_period=60,
        expand=True,
    )
