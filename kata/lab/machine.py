"""The machine that a command runs on: its devices, and how many threads PyTorch takes."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from kata.given import get_device
from kata.lab.options import OptionError


def chosen_device(name: str | None) -> torch.device:
    """Return the device of that name, or the best one; raise OptionError if it is not there."""
    try:
        device = torch.device(name) if name else get_device()
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise OptionError(
            f"--device {name}: this machine, or this build of PyTorch, has none; "
            f"leave the option out to use {get_device()}."
        ) from None
    return device


def describe_device(device: torch.device) -> str:
    """Return the name of the GPU, or the number of cores and the kind of CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {os.cpu_count()} cores, {platform.machine()}"


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Let PyTorch use that many threads inside; None changes nothing."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def versions() -> dict[str, str]:
    """Return the versions that a file of results names."""
    return {"python": platform.python_version(), "torch": str(torch.__version__)}
