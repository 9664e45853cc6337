"""Stand-ins for training: a model that records, one that follows a script, and their batches."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from kata.testing.models import PointMass, StandIn

Batch = tuple[Tensor, Tensor]

BATCH_SIZES = (4, 4, 2)
"""The number of images in each batch of an epoch."""


def batch(
    g: torch.Generator, size: int, shape: tuple[int, ...] = (1, 3, 4), num_classes: int = 3
) -> Batch:
    """Draw images `(size, *shape)` with pixels in [-1, 1], and labels `(size,)`."""
    x0 = 2 * torch.rand(size, *shape, generator=g) - 1
    return x0, torch.randint(num_classes, (size,), generator=g)


def batches(g: torch.Generator) -> list[Batch]:
    """Draw an epoch of random images of three classes."""
    return [batch(g, size) for size in BATCH_SIZES]


def blank_batches(g: torch.Generator) -> list[Batch]:
    """Draw an epoch of images that are all zeros, of ten classes."""
    return [(torch.zeros(n, 1, 3, 4), torch.randint(10, (n,), generator=g)) for n in BATCH_SIZES]


class FreshBatches:
    """A loader that can only be iterated: every pass serves new batches and keeps their labels."""

    def __init__(self, g: torch.Generator) -> None:
        self.g = g
        self.served: list[Tensor] = []

    def __iter__(self) -> Iterator[list[Tensor]]:
        labels = torch.randint(10, (sum(BATCH_SIZES),), generator=self.g)
        self.served.append(labels)
        for y in labels.split(BATCH_SIZES):
            yield [batch(self.g, len(y))[0], y.clone()]


class Recorder(StandIn):
    """Mixes image, time and label; records outputs, their gradients and an inner layer's mode."""

    def __init__(self, g: torch.Generator, num_classes: int = 3, channels: int = 1) -> None:
        super().__init__(num_classes)
        drawn = torch.randn(3, channels, 1, 1, generator=g)
        self.on_image, self.on_label = nn.Parameter(drawn[0]), nn.Parameter(drawn[2])
        self.on_time = nn.Parameter(drawn[1].flatten())  # of one axis, as biases are
        self.inside = nn.Dropout(0.5)
        self.inside_training: list[bool] = []
        self.outputs: list[Tensor] = []
        self.gradients: list[Tensor] = []

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        self.inside_training.append(self.inside.training)
        time, label = (values.to(x.dtype).view(-1, 1, 1, 1) for values in (t, torch.cos(y)))
        output = x * self.on_image + time * self.on_time.view(-1, 1, 1) + label * self.on_label
        self.outputs.append(output.detach().clone())
        if output.requires_grad:
            output.register_hook(lambda gradient: self.gradients.append(gradient.clone()))
        return output


class AtZero(AssertionError):
    """A time was exactly 0: chance gives that once in 16 million draws."""


class Scripted(StandIn):
    """On images that are all zeros, call k has the loss errors[k]² and the gradient gradients[k].

    On such images the noise is exactly x / t, except at t = 0, where a call raises `AtZero`.
    errors: `(calls,)`. gradients: `(calls, 111)`, over all parameters.
    """

    def __init__(self, g: torch.Generator, calls: int = 30) -> None:
        super().__init__(num_classes=10)
        self.weight = nn.Parameter(torch.randn(2, 37, generator=g))
        self.bias = nn.Parameter(torch.randn(37, generator=g))
        self.errors = 0.5 * 200 ** torch.rand(calls, generator=g)
        self.gradients = 2 * torch.randn(calls, 111, generator=g)
        self.turn = 0

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        error, gradient = self.errors[self.turn], self.gradients[self.turn]
        if (t == 0).any():
            raise AtZero("The model was called at t = 0, which U(0, 1) almost never gives.")
        self.turn += 1
        output = x / t.view(-1, 1, 1, 1) + error
        result: Tensor = _Written.apply(output, gradient, self.weight, self.bias)
        return result

    @property
    def place(self) -> Tensor:
        """Return all parameters as one row of 111 numbers."""
        return torch.cat([p.detach().flatten() for p in self.parameters()])


class _Written(torch.autograd.Function):
    """Hands an output on; backward gives the parameters a gradient that was written before."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, gradient: Tensor, *parameters: Tensor) -> Tensor:
        parts = gradient.split([p.numel() for p in parameters])
        ctx.gradients = [part.view_as(p) for part, p in zip(parts, parameters, strict=True)]
        return output.clone()

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> Any:
        return None, None, *ctx.gradients


class TableModel(PointMass):
    """Looks labels up like an `nn.Embedding`: a label outside 0 .. K raises an IndexError."""

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        nn.functional.embedding(y, self.mu.flatten(1))
        return super().velocity(x, t, y)


class Watched(PointMass):
    """Records in every call whether a layer is in train mode and whether x has a graph."""

    def __init__(self, mu: Tensor) -> None:
        super().__init__(mu)
        self.inside = nn.Sequential(nn.Dropout(0.5))
        self.layer_training: list[bool] = []
        self.graphs: list[bool] = []

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        self.layer_training.append(self.inside[0].training)
        self.graphs.append(x.requires_grad)
        return super().velocity(x, t, y)


class Unconditional(nn.Module):
    """A model without labels, v = 2 x + t; counts arguments besides x and t."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(2.0))
        self.others = 0

    def forward(self, x: Tensor, t: Tensor, *others: object, **named: object) -> Tensor:
        self.others += len(others) + len(named)
        return self.slope * x + t.to(x.dtype).view(-1, 1, 1, 1)


class Called(Exception):
    """Ends sampling at the first call of the model; holds the device types of x and t."""


class Elsewhere(nn.Module):
    """A model on the device "meta", where tensors have no values; a call raises `Called`."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, device="meta"))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        raise Called(x.device.type, t.device.type)
