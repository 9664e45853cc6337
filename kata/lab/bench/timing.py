"""Times of tasks that run in turn, and the peak of the machine's matrix products."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from kata.train.gpu import wait_for_gpu

Task = Callable[[], Any]


def in_turn(
    tasks: Mapping[str, Task],
    repeats: int,
    device: torch.device,
    on_run: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Run the tasks in turn, `repeats` times after a round to warm up. Return the seconds of each.

    device: a GPU finishes its queue before and after each run; on_run: called after each run,
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
    """Return how often `in_turn` runs a task, with the round to warm up."""
    return tasks * (repeats + 1)


def seconds_of(task: Task, device: torch.device) -> float:
    """Return the wall time of one run, to the end of what it put on the device."""
    _wait(device)
    began = time.perf_counter()
    task()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        wait_for_gpu(device)


MATRIX_SIZES = {"cpu": (1024, 1536, 2048, 3072), "cuda": (4096, 8192, 12288)}
"""Sides of square matrices, by kind of device; the best size differs from machine to machine."""


def products(sizes: Sequence[int], device: torch.device, dtype: torch.dtype) -> dict[str, Task]:
    """Return one task per size n, named `str(n)`: the product of two n x n matrices, in place."""

    def product(n: int) -> Task:
        a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
        into = torch.empty_like(a)
        return lambda: torch.mm(a, b, out=into)

    return {str(n): product(n) for n in sizes}


def peak(seconds: Mapping[str, Sequence[float]]) -> float:
    """Return the best rate of all `products` in FLOP/s, 2 n^3 per product; seconds: by size."""
    return max(2 * int(n) ** 3 / min(times) for n, times in seconds.items())
