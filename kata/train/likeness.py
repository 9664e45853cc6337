"""How like real images samples are, as a whole and one by one."""

import torch
from torch import Tensor

from kata.train.classifier import Classifier

CHUNK = 250


@torch.no_grad()
def features(images: Tensor, classifier: Classifier) -> Tensor:
    """What the classifier's last layer is given, `(N, D)`: the features in which the Fréchet distance is taken."""
    return torch.cat([classifier.features(part).flatten(1) for part in images.split(CHUNK)])


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """The squared Fréchet distance between the normal distributions fitted to features `(N, D)` and `(M, D)`.

    |μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½), as Heusel et al., "GANs trained by a two time-scale update rule converge to
    a local Nash equilibrium", 2017. With Σ = XᵀX the trace of the root is the sum of the singular values of Xa Xbᵀ,
    `(N, M)`, so no root of a `(D, D)` matrix is taken. Biased upwards where N and M are small: compare only values of
    equal N and M. ValueError for less than two rows.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"a covariance needs two rows, got {len(a)} and {len(b)}")
    a, b = a.double(), b.double()
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    xa, xb = ((x - x.mean(dim=0)) / (len(x) - 1) ** 0.5 for x in (a, b))
    roots = torch.linalg.svdvals(xa @ xb.T).sum()
    return float(means + xa.square().sum() + xb.square().sum() - 2 * roots)


def nearest_distances(images: Tensor, others: Tensor) -> Tensor:
    """The distance of each image to the nearest of the others: root mean square over pixels, in pixel units, `(N,)`.

    images: `(N, C, H, W)`; others: `(M, C, H, W)`. Near 0 for a copy.
    """
    flat = others.flatten(1)
    nearest = [torch.cdist(part.flatten(1), flat).amin(dim=1) for part in images.split(CHUNK)]
    return torch.cat(nearest) / flat.shape[1] ** 0.5


def of_each_class(labels: Tensor, count: int, first: int = 0) -> Tensor:
    """The indices of `count` images of each class that occurs, from its `first` on, in their order, class by class."""
    return torch.cat(
        [(labels == label).nonzero()[first : first + count, 0] for label in labels.unique()]
    )


def smallest_class(labels: Tensor) -> int:
    """How many images the rarest class that occurs has."""
    return int(labels.unique(return_counts=True)[1].min())
