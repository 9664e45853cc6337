"""Checkpoints on disk: a folder with `checkpoint.json` for all facts, and safetensors files.

The JSON names its tensor files with their SHA-256. New tensors are written under new names first,
then the JSON is put in place in one move, then the files that it no longer names are deleted.
Whenever the process ends, the folder holds one whole checkpoint. Nothing is ever unpickled.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from kata.course import KataError
from kata.course.files import find_root, shown, write_atomic

FORMAT = 1
MANIFEST = "checkpoint.json"
SHIPPED = ("mnist", "mnist-small", "digits")
"""The checkpoints that come with the course, the best first."""


class CheckpointError(KataError):
    """A checkpoint cannot be read or written."""


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint, read from its folder.

    parts: its groups of tensors by name, always with `model`, the weights to sample with; facts:
    the content of the JSON, always with `model` (the arguments of `ConditionalDiT`) and `dataset`.
    """

    folder: Path
    parts: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, Any]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The state dict of the model, float32 on the CPU."""
        return {
            name: value.float() if value.is_floating_point() else value
            for name, value in self.parts["model"].items()
        }

    @property
    def dataset(self) -> str:
        """The data it was trained on, `digits` or `mnist`."""
        return str(self.facts["dataset"])

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of its images."""
        size = self.facts["model"]["img_size"]
        return self.facts["model"].get("in_channels", 1), size, size

    def build(self, make: Callable[..., nn.Module]) -> nn.Module:
        """Return the model in eval mode on the CPU; make: step 5's `ConditionalDiT`.

        Raise CheckpointError if the weights are another model's.
        """
        model = make(**self.facts["model"])
        try:
            model.load_state_dict(self.weights)
        except RuntimeError as error:
            why = " ".join(str(error).split())[:200]
            raise CheckpointError(
                f"{shown(self.folder)} does not fit this ConditionalDiT ({why}): "
                "run the tests of step 5, or name another checkpoint."
            ) from None
        return model.eval()


def find_checkpoint(name: str | Path) -> Path:
    """Return the folder of a checkpoint: a path, or a name in checkpoints/ or checkpoints/runs/."""
    home = find_root() / "checkpoints"
    for candidate in (Path(name), home / name, home / "runs" / name):
        if (candidate / MANIFEST).is_file():
            return candidate
        if candidate.name == MANIFEST and candidate.is_file():
            return candidate.parent
    there = sorted(p.parent.name for p in home.glob(f"*/{MANIFEST}"))
    raise CheckpointError(
        f"There is no checkpoint {shown(Path(name))}: name a folder that holds {MANIFEST}"
        + (f", or one of those that come with the course: {', '.join(there)}." if there else ".")
    )


def best_shipped(names: Sequence[str] = SHIPPED) -> Path:
    """Return the folder of the first of those checkpoints; raise CheckpointError if there is
    none.
    """
    for name in names:
        try:
            return find_checkpoint(name)
        except CheckpointError:
            continue
    raise CheckpointError(
        "There is no trained checkpoint here: run `kata train digits`, which takes half a minute, "
        "and name the folder that it makes with --checkpoint."
    )


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint and verify the SHA-256 of every file. Raise CheckpointError."""
    manifest = folder / MANIFEST
    try:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
        files = facts["files"]
        if facts["format"] != FORMAT or "model" not in files:
            raise ValueError(f"format {facts['format']!r}")
        if not isinstance(facts["model"]["img_size"], int) or not isinstance(facts["dataset"], str):
            raise ValueError("no model or no data set")
        named = {part: (str(entry["name"]), entry["sha256"]) for part, entry in files.items()}
        if any(Path(name).name != name for name, _ in named.values()):
            raise ValueError("a file outside of its folder")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{shown(manifest)} is not a checkpoint of this course, or is damaged "
            f"({type(error).__name__}: {error}): name another one, or train it anew with `kata train`."
        ) from None
    return Checkpoint(
        folder, {part: _read(folder / name, sha) for part, (name, sha) in named.items()}, facts
    )


def write_checkpoint(
    folder: Path, parts: Mapping[str, Mapping[str, Tensor]], facts: Mapping[str, Any], tag: str = ""
) -> None:
    """Write a checkpoint in one move, in place of the one that may lie there.

    parts, facts: as in `Checkpoint`; tag: makes the names of the new files differ from those of
    the old ones, such as the step; without one, the folder must be new. Raise CheckpointError if
    writing fails; the old checkpoint is then still whole.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {}
        for part, tensors in parts.items():
            name = f"{part}-{tag}.safetensors" if tag else f"{part}.safetensors"
            content = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})
            write_atomic(folder / name, content, durable=True)
            files[part] = {"name": name, "sha256": hashlib.sha256(content).hexdigest()}
        text = json.dumps({"format": FORMAT, **facts, "files": files}, indent=2) + "\n"
        write_atomic(folder / MANIFEST, text, durable=True)
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint cannot be written to {shown(folder)} ({error.strerror or error}): "
            "make room or name another folder; the last one there is kept."
        ) from None
    current = {entry["name"] for entry in files.values()}
    for stale in set(folder.glob("*.safetensors")) | set(folder.glob(".*.part")):
        if stale.name not in current:
            with contextlib.suppress(OSError):
                stale.unlink()


def _read(file: Path, sha256: str) -> dict[str, Tensor]:
    try:
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise CheckpointError(
                f"{shown(file)} is not what its checkpoint.json says (another SHA-256): it was cut short "
                "or changed; fetch it again, or train it anew with `kata train`."
            )
        return load(content)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{shown(file)} cannot be read ({error}): fetch it again, or train it anew with `kata train`."
        ) from None


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers a model learns."""
    return sum(p.numel() for p in model.parameters())


class MetricsFile:
    """Appends to `metrics.jsonl` in a run's folder, from `step` on; later lines are dropped."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [line for line in self.lines() if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_atomic(self.path, text)

    def add(self, **values: Any) -> None:
        """Append one line; `step` must be among the values."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """Return all whole lines so far: a run that was killed may have left half a line."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found
