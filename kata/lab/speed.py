"""How fast a run trained, beside the machine's own matrix products."""

from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import nn

from kata.train import gpu
from kata.train.data import Dataset
from kata.train.loop import Loss, reduced_precision

REPEATS = 5


@dataclass(frozen=True)
class TrainingSpeed:
    """How fast a run trained.

    seconds: of training alone, with the set-up of its first steps; samples: trained on in them;
    flop: of all of them, forward and backward, counted in matrix products; peak: of the machine's
    best matrix product, in FLOP/s, times the number of GPUs; memory: bytes at most on one GPU.
    None: not known.
    """

    seconds: float
    samples: int
    flop: float | None = None
    peak: float | None = None
    memory: int | None = None

    @property
    def share(self) -> float | None:
        """The share of the peak, in [0, 1]."""
        if self.flop is None or self.peak is None:
            return None
        return self.flop / self.seconds / self.peak

    def __str__(self) -> str:
        parts = [f"{self.samples / self.seconds:,.0f} samples per second"]
        if self.flop is not None:
            unit, name = (1e15, "PFLOP") if self.flop >= 1e14 else (1e12, "TFLOP")
            parts.append(f"{self.flop / unit:.3g} {name}")
        if self.share is not None and self.peak is not None:
            parts.append(f"{self.share:.0%} of the matrix peak of {self.peak / 1e12:.0f} TFLOP/s")
        if self.memory is not None:
            parts.append(f"{self.memory / 2**30:.1f} GiB of memory")
        return f"training      {self.samples:,} samples in {self.seconds:.1f} s: " + ", ".join(
            parts
        )


def speed_of(
    model: nn.Module,
    loss: Loss,
    data: Dataset,
    seconds: float,
    samples: int,
    device: torch.device,
    processes: int = 1,
) -> TrainingSpeed:
    """Return the speed of a run that took that long for so many samples.

    loss: step 6's `flow_matching_loss`; processes: each with a GPU of its own. The peak is measured
    on a GPU only, where it takes less than a second. A copy of the course for students has no
    bench: there nothing is counted.
    """
    if find_spec("kata.lab.bench") is None:
        return TrainingSpeed(seconds, samples)
    from kata.lab.bench.step import flop_of_step

    x0, labels = data.images[:1].to(device), data.labels[:1].to(device)
    flop = float(flop_of_step(model, loss, x0, labels)) * samples
    if device.type != "cuda":
        return TrainingSpeed(seconds, samples, flop)
    memory = gpu.gpu_memory(device)  # before the products take theirs
    return TrainingSpeed(seconds, samples, flop, processes * peak_of(device), memory)


def peak_of(device: torch.device) -> float:
    """Return the best rate of a matrix product on a device, in FLOP/s, in training's precision."""
    from kata.lab.bench.timing import MATRIX_SIZES, in_turn, peak, products

    dtype = reduced_precision(device) or torch.float32
    return peak(in_turn(products(MATRIX_SIZES[device.type], device, dtype), REPEATS, device))
