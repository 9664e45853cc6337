"""The machine that a command runs on: its devices, and how many threads PyTorch takes."""

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from kata.given import get_device
from kata.lab.options import OptionError
from kata.train import gpu
from kata.train.loop import ProcessGroup


def chosen_device(name: str | None) -> torch.device:
    """Return the device of that name, or the best one; raise OptionError if it is not there."""
    try:
        device = torch.device(name) if name else get_device()
        torch.zeros(1, device=device).cpu()  # PyTorch's `meta` fails here: it has no values
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        if name is None:
            why = str(error).strip().partition("\n")[0].rstrip(".")
            raise OptionError(
                f"The GPU of this machine cannot be used ({why}): say --device cpu, or try again later."
            ) from None
        raise OptionError(
            f"--device {name}: this machine, or this build of PyTorch, has none; "
            f"leave the option out to use {get_device()}."
        ) from None
    return device


def own_device(device: torch.device, team: ProcessGroup) -> torch.device:
    """Return the device of this process: of several processes, each has a GPU of its own.

    Raise OptionError if there are fewer GPUs than processes.
    """
    if device.type != "cuda":
        return device
    own = chosen_device(f"cuda:{team.local if team.size > 1 else device.index or 0}")
    gpu.take_gpu(own)
    return own


def describe_device(device: torch.device) -> str:
    """Return the name of the GPU, or the number of cores and the kind of CPU."""
    if device.type == "cuda":
        return gpu.name_of_gpu(device)
    return f"{device.type}, {os.cpu_count()} cores, {platform.machine()}"


def gpu_driver() -> str:
    """Return the version of NVIDIA's driver, as nvidia-smi says it; `unknown` without it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return next(iter(said.stdout.split()), "unknown")


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
