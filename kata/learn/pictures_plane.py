"""The picture of step 0: paths, a walk, the velocity field and guidance, with points in a plane."""

import torch
from torch import Tensor

from kata.figures import plane
from kata.figures.style import CaptionedFigure
from kata.learn.kit import PictureKit, new_source
from kata.learn.plane import (
    CLASS_MEANS,
    CLASS_STD,
    guided_in_plane,
    paths_in_plane,
    walk_in_plane,
)

PLANE_TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)
PLANE_SCALES = (0.0, 1.0, 2.0, 4.0)
PLANE_TIME = 0.8
"""When the field and the guided arrows of step 0 are shown."""


def points_in_plane(kit: PictureKit) -> CaptionedFigure:
    """Draw paths, a walk, the velocity field and guided arrows, with points in a plane."""
    learner, source = kit.learner(0), new_source()
    x1 = torch.randn(6, 2, generator=source)
    x0 = CLASS_MEANS.repeat(3, 1) + CLASS_STD * torch.randn(6, 2, generator=source)
    walk = walk_in_plane(learner, torch.randn(80, 2, generator=source))
    axis = torch.linspace(-2.6, 2.6, 11)
    places = torch.cartesian_prod(axis, axis)
    start = torch.tensor([[1.9, 0.7]])

    def velocity(x: Tensor, scale: float) -> Tensor:
        to_b = torch.ones(len(x), dtype=torch.int64)
        return guided_in_plane(learner, x, torch.full((len(x),), PLANE_TIME), to_b, scale)

    return plane.in_the_plane(
        *paths_in_plane(learner, x0, x1, PLANE_TIMES),
        walk.points,
        walk.labels,
        places.numpy(),
        velocity(places, 1.0).numpy(),
        PLANE_TIME,
        {w: velocity(start, w)[0].numpy() for w in PLANE_SCALES},
        start[0].numpy(),
    )
