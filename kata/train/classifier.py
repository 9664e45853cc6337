"""A small convolutional classifier, trained on the spot, that says what a sample looks like.

It is the judge of the samples, so it must be better than what it judges: its own accuracy on
held-out images is reported beside every figure that it gives.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kata.train.data import Dataset

BATCH_SIZE = 64
PEAK_LR = 4e-3
NOISE = 0.15
"""Standard deviation of the noise that is added to the training images: samples are never quite clean."""


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
    """How many batches `train_classifier` takes."""
    return epochs * (len(data.images) // BATCH_SIZE)


def train_classifier(
    data: Dataset, epochs: int, seed: int, on_batch: Callable[[float], None] = lambda loss: None
) -> Classifier:
    """Train a classifier on the images to train on; returned in eval mode, on the CPU.

    epochs: 15 do for the digits, 2 for MNIST; seed: seeds torch's global generator; on_batch:
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
