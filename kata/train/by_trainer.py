"""Training by an implementation's own `ConditionalTrainer`: in rounds, or in epochs of MNIST."""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kata.train.data import import_torchvision, to_range
from kata.train.loop import derived, learning_rate
from kata.train.optimizers import optimizer_tensors, restore_optimizer
from kata.train.presets import Preset


class Trainer(Protocol):
    """The part of step 6's `ConditionalTrainer` that is used."""

    optimizer: Any

    def train(self, num_epochs: int) -> list[float]:
        """Train on the loader num_epochs times; return the average loss of each time."""
        ...


class RoundLoader:
    """A loader whose iterations yield the next batches of an endless, shuffled stream.

    images: `(N, C, H, W)`; labels: `(N,)`; batch_size: at most N; per_round: the number of batches
    per iteration; seed: of the order; on_batch: called when a batch has been worked on. The
    batches are copies. Every image comes once before any comes again, except for the incomplete
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


def train_in_rounds(
    trainer: Trainer,
    rounds: int,
    peak_lr: float,
    warmup: int,
    on_round: Callable[[float], None] = lambda loss: None,
) -> list[float]:
    """Call `trainer.train(1)` once per round, each time at its own learning rate.

    on_round: called with each average loss. Return all of them. Raise ValueError as soon as one is
    not a finite number.
    """
    losses: list[float] = []
    for round_ in range(rounds):
        for group in trainer.optimizer.param_groups:
            group["lr"] = learning_rate(round_, rounds, peak_lr, warmup)
        returned = trainer.train(1)
        if not isinstance(returned, list) or len(returned) != 1:
            raise ValueError(f"train(1) must return a list of one loss, got {returned!r}")
        losses.append(float(returned[0]))
        if not math.isfinite(losses[-1]):
            raise ValueError(f"the average loss of epoch {round_ + 1} is {losses[-1]}")
        on_round(losses[-1])
    return losses


class Stopped(Exception):
    """Somebody asked the run to stop in the middle of an epoch."""


class EpochLoader:
    """A loader of torchvision's MNIST, in [-1, 1], shuffled by seed and epoch.

    folder: holds `MNIST/raw/`; on_batch: called before every batch; what it raises ends the epoch.
    Raise DataError if torchvision does not import.
    """

    def __init__(
        self, folder: Path, batch_size: int, seed: int, on_batch: Callable[[], None]
    ) -> None:
        MNIST = import_torchvision().datasets.MNIST
        self.data = MNIST(str(folder), train=True, transform=to_range())
        self.batch_size, self.seed, self.on_batch = batch_size, seed, on_batch
        self.epoch = 0

    def __len__(self) -> int:
        """The number of batches per epoch; the incomplete last one is left out."""
        return len(self.data) // self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches (x0, y) of `epoch`."""
        order = torch.Generator().manual_seed(derived(self.seed, "order", self.epoch))
        loader = DataLoader(
            self.data, self.batch_size, shuffle=True, drop_last=True, generator=order
        )
        for x0, y in loader:
            self.on_batch()
            yield x0, y


class TrainerRun:
    """One run of the document: `epoch` trains for one epoch, `parts` and `restore` are its state.

    make, trainer: step 5's `ConditionalDiT` and step 6's `ConditionalTrainer`. The global generator
    is seeded anew for each epoch.
    """

    def __init__(
        self,
        preset: Preset,
        make: Callable[..., nn.Module],
        trainer: Callable[..., Any],
        loader: EpochLoader,
        seed: int,
        device: torch.device,
    ) -> None:
        torch.manual_seed(derived(seed, "weights"))
        self.model, self.loader, self.seed = make(), loader, seed
        self.trainer = trainer(
            self.model,
            loader,
            lr=preset.lr,
            weight_decay=preset.weight_decay,
            label_drop_prob=preset.label_drop_prob,
            device=device,
        )

    @property
    def losses(self) -> list[float]:
        """The average loss of every epoch so far."""
        return [float(loss) for loss in self.trainer.losses]

    def epoch(self) -> float:
        """Train for one epoch; return its average loss."""
        self.loader.epoch = len(self.losses)
        torch.manual_seed(derived(self.seed, "draws", self.loader.epoch))
        (loss,) = self.trainer.train(1)
        return float(loss)

    def parts(self) -> dict[str, dict[str, Tensor]]:
        """Return all tensors of the state, grouped as in `Training.parts`."""
        return {
            "model": dict(self.model.state_dict()),
            "training": optimizer_tensors(self.trainer.optimizer),
        }

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]], losses: list[float]) -> None:
        """Go on from what `parts` returned after the epochs of those losses."""
        self.model.load_state_dict(parts["model"])
        restore_optimizer(self.trainer.optimizer, parts["training"])
        self.trainer.losses[:] = losses
