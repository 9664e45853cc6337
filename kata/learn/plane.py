"""What the learner's step 0 computes with points in a plane: paths, walks, fields and arrows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kata.learn.kit import PictureKit, new_source
from kata.pages.plane import PlaneWalks, plane_of
from kata.train.checked_steps import CheckedSteps, StepCallError

CLASS_MEANS = torch.tensor([[-1.5, 0.6], [1.5, -0.6]])
CLASS_STD = 0.35
"""Two classes, A and B: Gaussian clouds of one size."""

NULL_MEAN, NULL_STD = torch.zeros(2), 1.6
"""A cloud that covers both: what "any class" means here."""

PLANE_STEPS = 24


@dataclass(frozen=True)
class PlaneWalk:
    """Noise that walks to data.

    times: `(T,)`, those at which the velocity was evaluated, and 0; points: `(T, N, 2)`, where the
    points were then; labels: `(N,)`, 0 for class A and 1 for class B.
    """

    times: np.ndarray
    points: np.ndarray
    labels: np.ndarray


def walk_in_plane(learner: CheckedSteps, noise: Tensor, scale: float = 1.0) -> PlaneWalk:
    """Walk noise `(N, 2)` back, its first half guided to class A, the rest to class B.

    scale: of guidance; 1 is none. Raise StepCallError if step 0 fails.
    """
    labels = (torch.arange(len(noise)) >= len(noise) // 2).long()
    times, points = [], []

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        _demand_batch(x, t, len(noise))
        times.append(float(t[0]))
        points.append(x.detach().clone())
        return guided_in_plane(learner, x, t, labels, scale)

    shape = tuple(noise.shape)
    start = noise.clone()
    end = learner.images(0, "walk_back", shape, velocity, start, PLANE_STEPS)
    points[:1] = [start] if points else []  # as the walk left it
    return PlaneWalk(np.array([*times, 0.0]), torch.stack([*points, end]).numpy(), labels.numpy())


def moving_plane(kit: PictureKit) -> dict[str, Any]:
    """Return what `plane.html` needs, by the learner's step 0; raise StepCallError if it fails."""
    return plane_of(walks_in_plane(kit.learner(0), new_source()))


WALK_SCALES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
WALKERS = 80


def walks_in_plane(learner: CheckedSteps, source: torch.Generator) -> PlaneWalks:
    """Walk the same noise back at WALK_SCALES; return what the moving picture shows.

    Raise StepCallError if step 0 fails, or if it does not walk in PLANE_STEPS steps.
    """
    noise = torch.randn(WALKERS, 2, generator=source)
    walks = [walk_in_plane(learner, noise, scale) for scale in WALK_SCALES]
    labels = torch.from_numpy(walks[0].labels)
    if any(len(walk.points) != PLANE_STEPS + 1 for walk in walks):
        raise StepCallError(
            f"step 0: walk_back does not evaluate the velocity once in each of {PLANE_STEPS} steps. "
            "Run `kata check 0` to see what is wrong."
        )
    points = torch.from_numpy(np.stack([walk.points for walk in walks]))
    t = torch.from_numpy(walks[0].times).float().clamp(0, 1)
    places, times = points.flatten(0, 2), t[None, :, None].expand(points.shape[:3]).flatten()
    of_all = labels.repeat(len(walks) * len(t))
    unconditional, conditional = (
        guided_in_plane(learner, places, times, of_all, scale).view(points.shape).numpy()
        for scale in (0.0, 1.0)
    )
    return PlaneWalks(
        WALK_SCALES, t.tolist(), labels.numpy(), points.numpy(), unconditional, conditional
    )


def guided_in_plane(
    learner: CheckedSteps, x: Tensor, t: Tensor, labels: Tensor, scale: float
) -> Tensor:
    """Return the velocity at x `(N, 2)` and t `(N,)`, guided to each point's class: `(N, 2)`."""
    to_null = _cloud_velocity(learner, x, t, NULL_MEAN, NULL_STD)
    of_classes = [_cloud_velocity(learner, x, t, mean, CLASS_STD) for mean in CLASS_MEANS]
    to_class = torch.stack(of_classes)[labels, torch.arange(len(x))]
    return to_null + scale * (to_class - to_null)


def paths_in_plane(
    learner: CheckedSteps, x0: Tensor, x1: Tensor, times: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the points `(T, N, 2)` of the paths from x0 to x1, both `(N, 2)`, at some times, and
    the velocities `(N, 2)`.
    """
    count = len(x0)
    t = torch.tensor(times).repeat_interleave(count)
    ends = x0.repeat(len(times), 1), x1.repeat(len(times), 1)
    points = learner.images(0, "point_on_path", (len(t), 2), *ends, t)
    velocity = learner.images(0, "path_velocity", (count, 2), x0.clone(), x1.clone())
    return points.view(len(times), count, 2).numpy(), velocity.numpy()


def _cloud_velocity(
    learner: CheckedSteps, x: Tensor, t: Tensor, mean: Tensor, std: float
) -> Tensor:
    arguments = x.clone(), t.clone(), mean.clone(), std
    return learner.images(0, "gaussian_velocity", tuple(x.shape), *arguments)


def _demand_batch(x: object, t: object, count: int) -> None:
    """Raise ValueError unless a walk hands over points `(N, 2)` and a time for each."""
    for name, value, shape in (("x", x, (count, 2)), ("t", t, (count,))):
        if not isinstance(value, Tensor) or tuple(value.shape) != shape:
            got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
            raise ValueError(f"the velocity expects {name} of shape {shape}, got {got}")
