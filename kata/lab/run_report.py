"""What the final test tells a person who reports a run on a new machine, in one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kata.course.files import shown, write_atomic
from kata.lab.machine import describe_device, gpu_driver, versions
from kata.lab.speed import TrainingSpeed
from kata.train.presets import TARGET_LOSS


@dataclass(frozen=True)
class FinalRun:
    """One run of the final test.

    batch_size: of its recipe; lines: of its metrics.jsonl; speed: of its training (None: not
    known); scores: what `evaluate_checkpoint` returned.
    """

    folder: Path
    batch_size: int
    lines: Sequence[Mapping[str, Any]]
    speed: TrainingSpeed | None
    scores: Mapping[str, Any]

    @property
    def at_target(self) -> Mapping[str, Any] | None:
        """The first line whose loss on held-out images is at most the target; None: there is
        none.
        """
        return next((line for line in self._measured if line["held_out"] <= TARGET_LOSS), None)

    @property
    def said_of_target(self) -> str:
        """One sentence: what it took to the target, or how near the run came."""
        if not self._measured:
            return f"The last average loss was {self.lines[-1]['loss']:.4f}."
        line = self.at_target
        if line is None:
            best = min(self._measured, key=lambda line: line["held_out"])
            return (
                f"{TARGET_LOSS} was not reached in {self.lines[-1]['step']:,} steps: the least loss on "
                f"held-out images was {best['held_out']:.4f}, after {best['step']:,}. "
                f"The run is kept in {shown(self.folder)}."
            )
        samples = line["step"] * self.batch_size
        cost = f"{line['trained']:.1f} s of training and {samples:,} samples"
        if self.speed is not None and self.speed.flop is not None:
            cost += f", {self.speed.flop / self.speed.samples * samples / 1e15:.3g} PFLOP"
        return f"{TARGET_LOSS} was reached after {cost}, at {line['held_out']:.4f}."

    @property
    def _measured(self) -> list[Mapping[str, Any]]:
        return [line for line in self.lines if "held_out" in line]


def report_of_runs(runs: Mapping[str, FinalRun], device: torch.device) -> str:
    """Return the report as plain text: the machine, and each run by the name of its preset."""
    named = versions()
    text = [
        f"device        {describe_device(device)}",
        f"driver        {gpu_driver()}",
        f"versions      python {named['python']}, torch {named['torch']}, CUDA {torch.version.cuda}",
    ]
    for preset, run in runs.items():
        losses, rows = run.scores["losses"], run.scores["scales"]
        read = ", ".join(f"{row['read_as_asked']:.1%} at w = {row['scale']:g}" for row in rows)
        text += [
            "",
            f"preset        {preset}",
            f"target        {run.said_of_target}",
            *([] if run.speed is None else [str(run.speed)]),
            f"held-out loss right label {losses['right']:.4f}, null {losses['null']:.4f}, "
            f"wrong {losses['wrong']:.4f}; 0.9 right + 0.1 null: {losses['mix']:.4f}",
            f"read as asked {read}",
            "loss          " + ", ".join(_points(run.lines)),
        ]
    return "\n".join(text) + "\n"


def write_run_report(runs: Mapping[str, FinalRun], device: torch.device) -> Path:
    """Write the report beside the checkpoint of the last run; return where."""
    path = list(runs.values())[-1].folder / "report.txt"
    write_atomic(path, report_of_runs(runs, device))
    return path


def _points(lines: Sequence[Mapping[str, Any]], most: int = 30) -> list[str]:
    """Return the loss at some of the steps, the last among them: of training, and on held-out
    images.
    """
    told = list(lines[:: -max(1, len(lines) // most)])[::-1]
    return [
        f"{line['step']}: {line['loss']:.4f}"
        + (f" ({line['held_out']:.4f})" if "held_out" in line else "")
        for line in told
    ]
