"""Who judges samples: a classifier that reads them, and real images that they are held against."""

from dataclasses import dataclass

from torch import Tensor

from kata.train.classifier import Classifier
from kata.train.data import Dataset
from kata.train.evaluation import read_as_asked, share_outside, spread_within_class
from kata.train.likeness import (
    features,
    frechet_distance,
    nearest_distances,
    of_each_class,
    smallest_class,
)


@dataclass(frozen=True)
class Scores:
    """What is measured on a set of images.

    read_as_asked, outside: shares in [0, 1]; spread: within a class, in pixel units; frechet: the Fréchet distance
    to real images in the classifier's features; nearest: the mean distance to the nearest training image, in
    pixel units.
    """

    read_as_asked: float
    spread: float
    outside: float
    frechet: float
    nearest: float


class Judge:
    """Judges samples of which there are `per_class` of each class.

    The Fréchet distance is taken between `each` images a class on either side, per_class or half of the rarest class of
    the training images. Its floor is that between two halves of the training images, of that size.
    """

    def __init__(self, data: Dataset, classifier: Classifier, per_class: int) -> None:
        self.data, self.classifier, self.per_class = data, classifier, per_class
        self.each = min(per_class, smallest_class(data.labels) // 2)
        self._half, self._other = (
            features(data.images[of_each_class(data.labels, self.each, first)], classifier)
            for first in (0, self.each)
        )

    def samples(self, images: Tensor, labels: Tensor) -> Scores:
        """Of samples `(N, C, H, W)` and the labels that were asked for, `(N,)`."""
        some = images[of_each_class(labels, self.each)]
        return Scores(
            read_as_asked=read_as_asked(images, labels, self.classifier),
            spread=spread_within_class(images, labels),
            outside=share_outside(images),
            frechet=frechet_distance(features(some, self.classifier), self._half),
            nearest=nearest_distances(images, self.data.images).mean().item(),
        )

    def real(self) -> Scores:
        """Of held-out real images: all of them, nearest of up to per_class a class; frechet is the floor."""
        images, labels = self.data.held_out_images, self.data.held_out_labels
        some = images[of_each_class(labels, self.per_class)]
        return Scores(
            read_as_asked=read_as_asked(images, labels, self.classifier),
            spread=spread_within_class(images, labels),
            outside=share_outside(images),
            frechet=frechet_distance(self._other, self._half),
            nearest=nearest_distances(some, self.data.images).mean().item(),
        )
