"""The document's run to the letter: the implementation's own trainer over torchvision's MNIST, epoch by epoch."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kata.train.loop import optimizer_tensors, restore_optimizer
from kata.train.presets import Preset
from kata.train.seeds import derived


class Stopped(Exception):
    """The run was asked to stop in the middle of an epoch."""


class Epochs:
    """A loader of torchvision's MNIST for one epoch after another: images in [-1, 1], shuffled by seed and epoch.

    folder: holds `MNIST/raw/`; on_batch: called before every batch is handed out; what it raises
    ends the epoch.
    """

    def __init__(
        self, folder: Path, batch_size: int, seed: int, on_batch: Callable[[], None]
    ) -> None:
        from torchvision import transforms
        from torchvision.datasets import MNIST

        to_range = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        self.data = MNIST(str(folder), train=True, transform=to_range)
        self.batch_size, self.seed, self.on_batch = batch_size, seed, on_batch
        self.epoch = 0

    def __len__(self) -> int:
        """The number of batches of an epoch; the incomplete last one is left out."""
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


class ByTrainer:
    """One run of the document: `epoch` trains for one, `parts` and `restore` are its state.

    make, trainer: step 5's `ConditionalDiT` and step 6's `ConditionalTrainer`; the global generator is
    seeded anew for each epoch.
    """

    def __init__(
        self,
        preset: Preset,
        make: Callable[..., nn.Module],
        trainer: Callable[..., Any],
        loader: Epochs,
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
        """Train for one epoch; its average loss."""
        self.loader.epoch = len(self.losses)
        torch.manual_seed(derived(self.seed, "draws", self.loader.epoch))
        (loss,) = self.trainer.train(1)
        return float(loss)

    def parts(self) -> dict[str, dict[str, Tensor]]:
        """All tensors of the state, as `Training.parts` gives them."""
        return {
            "model": dict(self.model.state_dict()),
            "training": optimizer_tensors(self.trainer.optimizer),
        }

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]], losses: list[float]) -> None:
        """Go on from what `parts` gave after so many epochs."""
        self.model.load_state_dict(parts["model"])
        restore_optimizer(self.trainer.optimizer, parts["training"])
        self.trainer.losses[:] = losses
