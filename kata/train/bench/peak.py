"""The machine's own matrix-product peak: what a model that is nothing but products could at best reach."""

from collections.abc import Mapping, Sequence

import torch

from kata.train.bench.timing import Task

SIZES = {"cpu": (1024, 1536, 2048, 3072), "cuda": (4096, 8192, 12288)}
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
