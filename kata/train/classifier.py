"""A small convolutional classifier that reads samples.

It must be better than the model whose samples it reads, so its own accuracy on held-out images is
reported beside every figure that comes from it.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kata.course.files import cache_folder
from kata.train.checkpoints import CheckpointError, read_checkpoint, write_checkpoint
from kata.train.data import Dataset

EPOCHS = {"digits": 20, "mnist": 3}
"""Epochs of the classifiers in the cache."""

BATCH_SIZE = 64
PEAK_LR = 4e-3
NOISE = 0.15
"""Standard deviation of the noise on the training images: samples are never quite clean."""


class Classifier(nn.Module):
    """Images `(B, 1, H, W)` in [-1, 1], H and W at least 8, to logits `(B, num_classes)`."""

    def __init__(self, num_classes: int = 10, width: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(4),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * width, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits


def batches_of(data: Dataset, epochs: int) -> int:
    """Return how many batches `train_classifier` takes."""
    return epochs * (len(data.images) // BATCH_SIZE)


def train_classifier(
    data: Dataset, epochs: int, seed: int, on_batch: Callable[[float], None] = lambda loss: None
) -> Classifier:
    """Train a classifier on the images to train on. Return it in eval mode, on the CPU.

    epochs: 15 are enough for the digits, 2 for MNIST; seed: of torch's global generator; on_batch:
    called after every batch with its loss.
    """
    torch.manual_seed(seed)
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_LR)
    total = batches_of(data, epochs)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=total + 1)
    for _ in range(epochs):
        order = torch.randperm(len(data.images))
        for batch in order.split(BATCH_SIZE)[: total // epochs]:
            x = data.images[batch]
            logits = model(x + NOISE * torch.randn_like(x))
            loss = F.cross_entropy(logits, data.labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            on_batch(loss.item())
    return model.eval()


def cached_classifier(
    data: Dataset, on_batch: Callable[[float], None] = lambda loss: None
) -> Classifier:
    """Return a classifier of EPOCHS and seed 0: from the cache folder, or trained and kept
    there.
    """
    folder = cached_at(data)
    model = Classifier()
    try:
        model.load_state_dict(read_checkpoint(folder).weights)
    except (CheckpointError, RuntimeError):
        model = train_classifier(data, EPOCHS[data.name], 0, on_batch)
        facts = {"dataset": data.name, "model": {"img_size": data.image_shape[1]}}
        with suppress(CheckpointError):  # a cache that cannot be written costs time alone
            write_checkpoint(folder, {"model": model.state_dict()}, facts)
    return model.eval()


def cached_at(data: Dataset) -> Path:
    """Return where the classifier is kept: its name depends on its images and on this file."""
    digest = hashlib.blake2b(Path(__file__).read_text(encoding="utf-8").encode(), digest_size=8)
    for part in (data.images, data.labels):
        digest.update(part.contiguous().numpy().tobytes())
    return cache_folder() / "classifiers" / f"{data.name}-{digest.hexdigest()}"
