"""What is measured on samples and models, never by the code under test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from kata.train.classifier import Classifier
from kata.train.data import Dataset

CHUNK = 250
"""Images that a model or the classifier evaluates at a time."""


@dataclass(frozen=True)
class Measurement:
    """The measurements of one guidance scale.

    read_as_asked, outside: shares in [0, 1]; spread: in pixel units.
    """

    scale: float
    samples: int
    read_as_asked: float
    spread: float
    outside: float


@dataclass(frozen=True)
class Expectation:
    """A claim about a run, what was measured, and whether the claim holds."""

    claim: str
    measured: str
    holds: bool


@torch.no_grad()
def labels_read(
    images: Tensor, classifier: Callable[[Tensor], Tensor], chunk: int = CHUNK
) -> Tensor:
    """Return the labels that a classifier reads in images `(N, C, H, W)`: int64 `(N,)`.

    classifier: images to logits `(B, K)`; chunk: images per batch.
    """
    return torch.cat([classifier(part).argmax(dim=1) for part in images.split(chunk)])


def read_as_asked(read: Tensor, labels: Tensor) -> float:
    """Return the share of labels that were read as asked for, in [0, 1]; both int64 `(N,)`."""
    if len(read) != len(labels) or len(read) == 0:
        raise ValueError(f"one label per image, got {len(read)} images and {len(labels)} labels")
    return (read == labels).double().mean().item()


def spread_within_class(images: Tensor, labels: Tensor) -> float:
    """Return how much the images of one class differ.

    It is the mean, over classes and pixels, of the standard deviation over the images of the class
    (correction=0), in pixel units: 0 if all images of a class are equal. images: `(N, C, H, W)`;
    labels: int64 `(N,)`. Raise ValueError for a class with one image.
    """
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"one label per image, got {len(images)} images and {len(labels)} labels")
    spreads = []
    for label in labels.unique():
        members = images[labels == label]
        if len(members) < 2:
            raise ValueError(f"class {int(label)} has one image: a spread needs two")
        spreads.append(members.double().std(dim=0, correction=0).mean())
    return torch.stack(spreads).mean().item()


def share_outside(images: Tensor) -> float:
    """Return the share of pixels outside of [-1, 1] by more than 0.05: over-saturation."""
    return (images.abs() > 1.05).double().mean().item()


def measure(
    scale: float, images: Tensor, labels: Tensor, classifier: Callable[[Tensor], Tensor]
) -> Measurement:
    """Return the measurements of the samples of one guidance scale."""
    return Measurement(
        scale=scale,
        samples=len(images),
        read_as_asked=read_as_asked(labels_read(images, classifier), labels),
        spread=spread_within_class(images, labels),
        outside=share_outside(images),
    )


def expectations(
    measured: Sequence[Measurement], real_spread: float, least_read: Mapping[float, float]
) -> list[Expectation]:
    """Return what guidance is expected to show, compared with what was measured.

    measured: one entry per scale, with 0, 1, 2 and 4; real_spread: of held-out real images;
    least_read: the smallest share read as asked, by scale. Raise KeyError if a scale was not
    measured.
    """
    at = {m.scale: m for m in measured}
    chance = at[0].read_as_asked
    ratio = at[1].spread / real_spread
    falling = [at[scale].spread for scale in (0, 1, 2, 4)]
    return [
        Expectation(
            "read as asked at w = 0, by chance, 5 to 15%",
            f"{chance:.1%}",
            0.05 <= chance <= 0.15,
        ),
        *(
            Expectation(
                f"read as asked at w = {scale:g}, at least {100 * least:g}%",
                f"{at[scale].read_as_asked:.1%}",
                at[scale].read_as_asked >= least,
            )
            for scale, least in least_read.items()
        ),
        Expectation(
            "diversity at w = 1, at least 0.8 of the real one", f"{ratio:.2f}", ratio >= 0.8
        ),
        Expectation(
            "diversity at w = 0, 1, 2, 4, falling",
            ", ".join(f"{spread:.3f}" for spread in falling),
            all(a > b for a, b in pairwise(falling)),
        ),
    ]


def loss_expectation(losses: Sequence[float], rounds: int, most: float) -> Expectation:
    """Expect an average loss of the last rounds of at most `most`; less than 0.06 is a leak."""
    last = losses[-rounds:]
    average = sum(last) / len(last)
    return Expectation(
        f"average loss of the last {rounds} epochs, at most {most:g}",
        f"{average:.4f}",
        0.06 <= average <= most,
    )


@torch.no_grad()
def features(images: Tensor, classifier: Classifier) -> Tensor:
    """Return the input of the classifier's last layer, `(N, D)`, for the Fréchet distance."""
    return torch.cat([classifier.features(part).flatten(1) for part in images.split(CHUNK)])


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return the squared Fréchet distance of two sets of features, `(N, D)` and `(M, D)`.

    It is the distance of the normal distributions fitted to them: |μa - μb|² + tr(Σa + Σb -
    2 (Σa Σb)^½), as in Heusel et al., "GANs trained by a two time-scale update rule converge to a
    local Nash equilibrium", 2017. With Σ = XᵀX the trace of the root is the sum of the singular
    values of Xa Xbᵀ, `(N, M)`, so no root of a `(D, D)` matrix is needed. It is biased upwards for
    small N and M: compare only values of equal N and M. Raise ValueError for less than two rows.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"a covariance needs two rows, got {len(a)} and {len(b)}")
    a, b = a.double(), b.double()
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    xa, xb = ((x - x.mean(dim=0)) / (len(x) - 1) ** 0.5 for x in (a, b))
    roots = torch.linalg.svdvals(xa @ xb.T).sum()
    return float(means + xa.square().sum() + xb.square().sum() - 2 * roots)


def nearest_distances(images: Tensor, others: Tensor) -> Tensor:
    """Return the distance of each image to the nearest of the others, `(N,)`.

    It is the root mean square over pixels, in pixel units: near 0 for a copy. images:
    `(N, C, H, W)`; others: `(M, C, H, W)`.
    """
    flat = others.flatten(1)
    nearest = [torch.cdist(part.flatten(1), flat).amin(dim=1) for part in images.split(CHUNK)]
    return torch.cat(nearest) / flat.shape[1] ** 0.5


def of_each_class(labels: Tensor, count: int, first: int = 0) -> Tensor:
    """Return the indices of `count` images of each class, from its `first` on, class by class."""
    return torch.cat(
        [(labels == label).nonzero()[first : first + count, 0] for label in labels.unique()]
    )


def smallest_class(labels: Tensor) -> int:
    """Return the number of images of the rarest class."""
    return int(labels.unique(return_counts=True)[1].min())


@dataclass(frozen=True)
class Scores:
    """The measurements of a set of images.

    read_as_asked, outside: shares in [0, 1]; spread: within a class, in pixel units; frechet: the
    Fréchet distance to real images in the classifier's features; nearest: the mean distance to the
    nearest training image, in pixel units.
    """

    read_as_asked: float
    spread: float
    outside: float
    frechet: float
    nearest: float


class SampleScorer:
    """Measures samples, `per_class` of each class.

    The Fréchet distance is between `each` images per class on both sides: per_class, or half of the
    rarest class of the training images. Its floor is the distance between two halves of the
    training images, of that size.
    """

    def __init__(self, data: Dataset, classifier: Classifier, per_class: int) -> None:
        self.data, self.classifier, self.per_class = data, classifier, per_class
        self.each = min(per_class, smallest_class(data.labels) // 2)
        self._half, self._other = (
            features(data.images[of_each_class(data.labels, self.each, first)], classifier)
            for first in (0, self.each)
        )

    def samples(self, images: Tensor, labels: Tensor) -> Scores:
        """Return the scores of samples `(N, C, H, W)` that were drawn for those labels, `(N,)`."""
        some = images[of_each_class(labels, self.each)]
        return Scores(
            read_as_asked=read_as_asked(labels_read(images, self.classifier), labels),
            spread=spread_within_class(images, labels),
            outside=share_outside(images),
            frechet=frechet_distance(features(some, self.classifier), self._half),
            nearest=nearest_distances(images, self.data.images).mean().item(),
        )

    def real(self) -> Scores:
        """Return the scores of held-out real images; nearest: of per_class; frechet: the floor."""
        images, labels = self.data.held_out_images, self.data.held_out_labels
        some = images[of_each_class(labels, self.per_class)]
        return Scores(
            read_as_asked=read_as_asked(labels_read(images, self.classifier), labels),
            spread=spread_within_class(images, labels),
            outside=share_outside(images),
            frechet=frechet_distance(self._other, self._half),
            nearest=nearest_distances(some, self.data.images).mean().item(),
        )


@dataclass(frozen=True)
class Losses:
    """Flow-matching losses of the right, the null and a wrong label.

    They are means over `draws` of (image, time, noise).
    """

    right: float
    null: float
    wrong: float
    draws: int

    @property
    def mix(self) -> float:
        """The loss that training with 10% label dropout reports: 0.9 right + 0.1 null."""
        return 0.9 * self.right + 0.1 * self.null


@torch.no_grad()
def held_out_losses(
    model: nn.Module, images: Tensor, labels: Tensor, null_class: int, seed: int, draws: int
) -> Losses:
    """Return the means of (model(x_t, t, y) - (x1 - x0))² for three kinds of label.

    All kinds share the same x_t; a wrong label is any of the other classes. images: `(N, C, H, W)`
    on the CPU, each used equally often, at least `draws` times in all; labels: int64 `(N,)`, below
    null_class. The times are uniform and stratified: one per draw, each in its own equal part of
    [0, 1]. The model evaluates three samples per draw.
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
    """Return, for each image, the label with the least loss, int64 `(N,)`.

    This uses the model as a classifier: Li et al., "Your diffusion model is secretly a zero-shot
    classifier", 2023. images: `(N, C, H, W)` on the CPU; pairs: of (time, noise) per image, the
    same for all labels, with times stratified in [0, 1]. The model evaluates
    N * pairs * num_classes samples.
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
    """Return (x_t, t, v) on the line from x0 to new noise, on the device."""
    x1 = torch.randn(x0.shape, generator=source)
    t = times.view(-1, 1, 1, 1)
    x_t = (1 - t) * x0 + t * x1
    return x_t.to(device), times.to(device), (x1 - x0).to(device)
