"""Samples of equal quality by Euler's method and by Heun's, in samples evaluated.

Both follow one path from the same noise; quality is how near they come to where it leads when it is walked in very
many steps. What a classifier reads is told too, but it forgives much: it is satisfied long before the image is right.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kata.train.bench.counting import Counting
from kata.train.evaluation import read_as_asked
from kata.train.samplers import SAMPLERS, GuidedVelocity, guided

EULER_STEPS = (5, 10, 20, 50)
ASKED = 50
"""The document's number of Euler steps, whose quality Heun's method has to equal."""
FINE = 200
"""Steps of Heun's method that stand for the path itself."""


@dataclass(frozen=True)
class Walk:
    """One way to walk: samples evaluated an image, root mean square distance to the path's end, share read as asked."""

    method: str
    num_steps: int
    evaluated: float
    distance: float
    read_as_asked: float


@dataclass(frozen=True)
class SolverCost:
    """At one scale: what was tried of each method, in the order of cost; equal is the first of Heun's that is as near
    as Euler's `asked`, None where none is that costs no more."""

    scale: float
    euler: list[Walk]
    heun: list[Walk]
    asked: Walk
    equal: Walk | None


@torch.no_grad()
def cost_of_solvers(
    model: nn.Module,
    guided_velocity: GuidedVelocity,
    classifier: Callable[[Tensor], Tensor],
    noise: Tensor,
    labels: Tensor,
    scale: float,
    null_class: int = 10,
    euler_steps: tuple[int, ...] = EULER_STEPS,
    asked: int = ASKED,
    fine: int = FINE,
    on_walk: Callable[[], None] = lambda: None,
) -> SolverCost:
    """Walk from the same noise in many ways: Euler in `euler_steps` (asked among them), Heun in 1, 2, 3, ... steps
    until it is as near as Euler in `asked` ones, or costs as much.

    guided_velocity: of step 3; noise: `(B, C, H, W)`; labels: int64 `(B,)`; on_walk: called after each walk,
    `most_walks()` times at most.
    """
    counting = Counting(model)
    velocity = guided(guided_velocity, counting, labels, scale, null_class)
    end = SAMPLERS["heun"](velocity, noise, fine)
    on_walk()

    def walk(method: str, num_steps: int) -> Walk:
        counting.evaluated = 0
        images = SAMPLERS[method](velocity, noise, num_steps)
        distance = (images - end).square().mean().sqrt().item()
        read = read_as_asked(images, labels, classifier)
        on_walk()
        return Walk(method, num_steps, counting.evaluated / len(noise), distance, read)

    by_euler = [walk("euler", steps) for steps in euler_steps]
    goal = by_euler[euler_steps.index(asked)]
    by_heun = [walk("heun", 1)]
    while by_heun[-1].distance > goal.distance and by_heun[-1].evaluated < goal.evaluated:
        by_heun.append(walk("heun", len(by_heun) + 1))
    last = by_heun[-1]
    return SolverCost(
        scale, by_euler, by_heun, goal, last if last.distance <= goal.distance else None
    )


def most_walks() -> int:
    """How often `cost_of_solvers` calls `on_walk` at most: N steps of Heun's method evaluate 2N times."""
    return 1 + len(EULER_STEPS) + ASKED // 2
