"""Training through any trainer that keeps step 6's contract: a loader that reports, and a learning rate that falls."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor


class Trainer(Protocol):
    """What is used of step 6's `ConditionalTrainer`."""

    optimizer: Any

    def train(self, num_epochs: int) -> list[float]:
        """Train on the loader num_epochs times; the average loss of each time."""
        ...


class Batches:
    """A loader that can be iterated again and again, each time over the next batches of an endless, shuffled stream.

    images: `(N, C, H, W)`; labels: `(N,)`; batch_size: at most N; per_round: how many batches one
    iteration yields; seed: of the order; on_batch: called when a batch has been worked on. The
    batches are copies, and every image comes once before any comes again, but for the incomplete
    last batch of a pass, which is left out.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        per_round: int,
        seed: int,
        on_batch: Callable[[], None] = lambda: None,
    ) -> None:
        if not 1 <= batch_size <= len(images):
            raise ValueError(f"batch_size must lie in 1 .. {len(images)}, got {batch_size}")
        self.images, self.labels = images, labels
        self.batch_size = batch_size
        self.per_round = per_round
        self.on_batch = on_batch
        self._generator = torch.Generator().manual_seed(seed)
        self._stream = self._indices()

    def __len__(self) -> int:
        """The number of batches of one iteration."""
        return self.per_round

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The next `per_round` batches (x0, y)."""
        for _ in range(self.per_round):
            chosen = next(self._stream)
            yield self.images[chosen], self.labels[chosen]
            self.on_batch()

    def _indices(self) -> Iterator[Tensor]:
        whole = len(self.images) // self.batch_size
        while True:
            order = torch.randperm(len(self.images), generator=self._generator)
            yield from order.split(self.batch_size)[:whole]


def learning_rate(round_: int, rounds: int, peak: float, warmup: int) -> float:
    """The rate of a round, counted from 0: a linear rise over `warmup` rounds into a cosine that ends near 0."""
    rise = min(1.0, (round_ + 0.5) / warmup) if warmup else 1.0
    return peak * rise * 0.5 * (1 + math.cos(math.pi * round_ / rounds))


def train_in_rounds(
    trainer: Trainer,
    rounds: int,
    peak_lr: float,
    warmup: int,
    on_round: Callable[[float], None] = lambda loss: None,
) -> list[float]:
    """Call `trainer.train(1)` again and again, at a learning rate that is set before each time.

    on_round: called with each average loss. Returns all of them. Raises ValueError as soon as one
    is not a finite number.
    """
    losses: list[float] = []
    for round_ in range(rounds):
        for group in trainer.optimizer.param_groups:
            group["lr"] = learning_rate(round_, rounds, peak_lr, warmup)
        returned = trainer.train(1)
        if not isinstance(returned, list) or len(returned) != 1:
            raise ValueError(f"train(1) must return a list of one loss, it returned {returned!r}")
        losses.append(float(returned[0]))
        if not math.isfinite(losses[-1]):
            raise ValueError(f"the average loss of epoch {round_ + 1} is {losses[-1]}")
        on_round(losses[-1])
    return losses
