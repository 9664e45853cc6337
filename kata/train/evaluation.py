"""What is measured on samples, by code of the tool's own and never by the code under test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Measurement:
    """What one guidance scale gave. read_as_asked: a share in [0, 1]; spread: in pixel units; outside: a share."""

    scale: float
    samples: int
    read_as_asked: float
    spread: float
    outside: float


@dataclass(frozen=True)
class Expectation:
    """One sentence that was to be shown, what was measured, and whether it holds."""

    claim: str
    measured: str
    holds: bool


@torch.no_grad()
def read_as_asked(
    images: Tensor, labels: Tensor, classifier: Callable[[Tensor], Tensor], chunk: int = 500
) -> float:
    """The share of images whose largest logit is at their label, in [0, 1].

    images: `(N, C, H, W)`, N at least 1; labels: int64 `(N,)`; classifier: images to logits `(B,
    K)`; chunk: how many images it is shown at a time.
    """
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"one label an image, got {len(images)} images and {len(labels)} labels")
    read = torch.cat([classifier(part).argmax(dim=1) for part in images.split(chunk)])
    return (read == labels).double().mean().item()


def spread_within_class(images: Tensor, labels: Tensor) -> float:
    """How much the images of one class differ: the mean over classes, of the mean over pixels, of the
    standard deviation over the images of the class (divided by their number, correction=0).

    images: `(N, C, H, W)`; labels: int64 `(N,)`, each class that occurs at least twice. In pixel
    units, 0 where all images of a class are equal. Raises ValueError for a class with one image.
    """
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"one label an image, got {len(images)} images and {len(labels)} labels")
    spreads = []
    for label in labels.unique():
        members = images[labels == label]
        if len(members) < 2:
            raise ValueError(f"class {int(label)} has one image: a spread needs two")
        spreads.append(members.double().std(dim=0, correction=0).mean())
    return torch.stack(spreads).mean().item()


def share_outside(images: Tensor) -> float:
    """The share of pixels outside of [-1, 1] by more than 0.05: how over-saturated the images are."""
    return (images.abs() > 1.05).double().mean().item()


def measure(
    scale: float, images: Tensor, labels: Tensor, classifier: Callable[[Tensor], Tensor]
) -> Measurement:
    """All that is measured on the samples of one guidance scale."""
    return Measurement(
        scale=scale,
        samples=len(images),
        read_as_asked=read_as_asked(images, labels, classifier),
        spread=spread_within_class(images, labels),
        outside=share_outside(images),
    )


def expectations(
    measured: Sequence[Measurement], real_spread: float, least_read: Mapping[float, float]
) -> list[Expectation]:
    """What guidance is expected to show, held against what was measured.

    measured: one entry a scale, 0, 1, 2 and 4 among them; real_spread: that of held-out real
    images; least_read: the share that must be read as asked, at each of some scales. Raises
    KeyError where a scale was not measured.
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
        Expectation("spread at w = 1, at least 0.8 of the real one", f"{ratio:.2f}", ratio >= 0.8),
        Expectation(
            "spread at w = 0, 1, 2, 4, falling",
            ", ".join(f"{spread:.3f}" for spread in falling),
            all(a > b for a, b in pairwise(falling)),
        ),
    ]


def loss_expectation(losses: Sequence[float], rounds: int, most: float) -> Expectation:
    """That the average loss of the last rounds is at most so much, and above what only a leak can reach."""
    last = losses[-rounds:]
    average = sum(last) / len(last)
    return Expectation(
        f"average loss of the last {rounds} epochs, at most {most:g}",
        f"{average:.4f}",
        0.06 <= average <= most,
    )
