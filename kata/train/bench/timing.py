"""Times side by side: what is compared runs in turn, so that whatever else the machine does hits all of it alike."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

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
