"""Times side by side, samples counted, and the machine's own matrix-product peak."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Task = Callable[[], Any]


def in_turn(
    tasks: Mapping[str, Task],
    repeats: int,
    device: torch.device,
    on_run: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Seconds of every task, `repeats` of each: all once to warm up, then one after the other, again and again.

    device: what is queued on a GPU is waited for, before and after each run. on_run: called after each run,
    `runs(tasks, repeats)` times.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for round_ in range(repeats + 1):
        for name, task in tasks.items():
            took = seconds_of(task, device)
            if round_:
                seconds[name].append(took)
            on_run()
    return seconds


def runs(tasks: int, repeats: int) -> int:
    """How often `in_turn` runs something, the warming up included."""
    return tasks * (repeats + 1)


def seconds_of(task: Task, device: torch.device) -> float:
    """The wall time of one run, to the end of what it put on the device."""
    _wait(device)
    began = time.perf_counter()
    task()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Counting(nn.Module):
    """A model that counts the samples it is asked about; `evaluated` holds how many there were so far."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.evaluated = 0

    def forward(self, x: Tensor, *others: Any, **named: Any) -> Tensor:
        self.evaluated += len(x)
        velocity: Tensor = self.model(x, *others, **named)
        return velocity


MATRIX_SIZES = {"cpu": (1024, 1536, 2048, 3072), "cuda": (4096, 8192, 12288)}
"""Sides of the square matrices, by kind of device; the best size differs from machine to machine."""


def products(sizes: Sequence[int], device: torch.device, dtype: torch.dtype) -> dict[str, Task]:
    """One task a size n, by the name `str(n)`: the product of two n x n matrices, into memory that is there already."""

    def product(n: int) -> Task:
        a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
        into = torch.empty_like(a)
        return lambda: torch.mm(a, b, out=into)

    return {str(n): product(n) for n in sizes}


def peak(seconds: Mapping[str, Sequence[float]]) -> float:
    """The best rate among all sizes and runs, in FLOP/s: 2 n^3 for one product. seconds: of `products`."""
    return max(2 * int(n) ** 3 / min(times) for n, times in seconds.items())
