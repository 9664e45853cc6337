"""Every call that needs a GPU's driver, one function each; nothing else in kata/ makes such calls.

Tests put others in their place, so that all other lines run on any machine.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def take_gpu(device: torch.device) -> None:
    """Make it the GPU of this process."""
    torch.cuda.set_device(device)


def name_of_gpu(device: torch.device) -> str:
    """Return its name, such as `NVIDIA H100 80GB HBM3`."""
    return torch.cuda.get_device_name(device)


def wait_for_gpu(device: torch.device) -> None:
    """Wait until it has done all that it was asked for."""
    torch.cuda.synchronize(device)


def gpu_memory(device: torch.device) -> int:
    """Return the bytes that tensors took on it when they took most."""
    return torch.cuda.max_memory_allocated(device)


def pinned(values: Tensor) -> Tensor:
    """Return a copy in memory of the CPU that a GPU reads by itself."""
    return values.pin_memory()


@contextmanager
def no_waiting() -> Iterator[None]:
    """Let whatever makes Python wait for the GPU raise RuntimeError inside."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def beside(device: torch.device) -> Iterator[None]:
    """Work on another stream inside, as a graph wants it for the calls before it is recorded."""
    stream, usual = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(usual)
    with torch.cuda.stream(stream):
        yield
    usual.wait_stream(stream)


def recorded(
    work: Callable[[], Tensor], generator: torch.Generator, device: torch.device
) -> Callable[[], Tensor]:
    """Record what a function does on the GPU; return a function that does the same again.

    Recording runs nothing. The tensors that `work` reads and writes stay where they are, and so
    does its result. generator: of its random draws; seed it before each repetition. Raise
    RuntimeError if `work` reads a value, or does something else that a graph cannot hold.
    """
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph, stream=torch.cuda.Stream(device)):
        result = work()

    def again() -> Tensor:
        graph.replay()
        return result

    return again
