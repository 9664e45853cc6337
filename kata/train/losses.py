"""What a model's own loss says on held-out images: how well it predicts, and which label it finds likeliest.

Everything is drawn from one seed on the CPU, so that every checkpoint is asked the same questions on every device.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

CHUNK = 250
"""Samples that are evaluated at a time."""


@dataclass(frozen=True)
class Losses:
    """Flow-matching losses, means over `draws` of (image, time, noise): told the right, the null or a wrong label."""

    right: float
    null: float
    wrong: float
    draws: int

    @property
    def mix(self) -> float:
        """What training under 10% label dropout reports: 0.9 right + 0.1 null."""
        return 0.9 * self.right + 0.1 * self.null


@torch.no_grad()
def held_out_losses(
    model: nn.Module, images: Tensor, labels: Tensor, null_class: int, seed: int, draws: int
) -> Losses:
    """The mean over samples and pixels of (model(x_t, t, y) - (x1 - x0))², the same x_t for all three kinds of label.

    images: `(N, C, H, W)` on the CPU, each used equally often, in all at least `draws` times; labels: int64 `(N,)`,
    below null_class; the times are uniform and stratified, one in each of as many equal parts of [0, 1] as there are
    draws. A wrong label is any of the others. Evaluates three samples a draw.
    """
    source = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    chosen = torch.arange(len(images)).repeat(-(-draws // len(images)))
    total = len(chosen)
    times = (torch.randperm(total, generator=source) + torch.rand(total, generator=source)) / total
    right = labels[chosen]
    shift = torch.randint(1, null_class, (total,), generator=source)
    asked = (right, torch.full_like(right, null_class), (right + shift) % null_class)
    sums = torch.zeros(len(asked), dtype=torch.float64)
    for part in torch.arange(total).split(CHUNK):
        x_t, t, v = _point(images[chosen[part]], times[part], source, device)
        for kind, told in enumerate(asked):
            errors = (model(x_t, t, told[part].to(device)) - v).square()
            sums[kind] += errors.flatten(1).mean(dim=1).double().sum().cpu()
    means = (sums / total).tolist()
    return Losses(right=means[0], null=means[1], wrong=means[2], draws=total)


@torch.no_grad()
def labels_of_least_loss(
    model: nn.Module, images: Tensor, num_classes: int, seed: int, pairs: int
) -> Tensor:
    """The model used as a classifier: for each image the label under which its loss is least, int64 `(N,)`.

    images: `(N, C, H, W)` on the CPU; pairs: of (time, noise) for each image, the times stratified in [0, 1]; all
    labels are held against the same pairs. Evaluates N * pairs * num_classes samples. Li et al., "Your diffusion
    model is secretly a zero-shot classifier", 2023.
    """
    source = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    found = []
    for x0 in images.split(max(1, CHUNK // num_classes)):
        told = torch.arange(num_classes, device=device).repeat(len(x0))
        errors = torch.zeros(len(x0), num_classes, device=device)
        for pair in range(pairs):
            times = (pair + torch.rand(len(x0), generator=source)) / pairs
            x_t, t, v = (
                part.repeat_interleave(num_classes, dim=0)
                for part in _point(x0, times, source, device)
            )
            loss = (model(x_t, t, told) - v).square().flatten(1).mean(dim=1)
            errors += loss.view(len(x0), num_classes)
        found.append(errors.argmin(dim=1).cpu())
    return torch.cat(found)


def _point(
    x0: Tensor, times: Tensor, source: torch.Generator, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """(x_t, t, v) on the line from x0 to fresh noise, moved to the device."""
    x1 = torch.randn(x0.shape, generator=source)
    t = times.view(-1, 1, 1, 1)
    x_t = (1 - t) * x0 + t * x1
    return x_t.to(device), times.to(device), (x1 - x0).to(device)
