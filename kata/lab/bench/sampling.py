"""What guided sampling costs: against two passes always, and by Euler's method against Heun's."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from kata.lab.bench.plain import two_passes
from kata.lab.bench.timing import Counting, Task, in_turn, runs
from kata.train.metrics import read_as_asked
from kata.train.samplers import SAMPLERS, GuidedVelocity, guided

Sampler = Callable[..., Tensor]


class CountError(Exception):
    """A sampler evaluated another number of samples than guidance costs."""


@dataclass(frozen=True)
class SamplingCost:
    """At one scale: seconds of every run of the sampler and of two passes, and samples evaluated an image a step."""

    scale: float
    batch_size: int
    num_steps: int
    sampler: list[float]
    two_passes: list[float]
    evaluated: float
    evaluated_by_two_passes: float


def cost_of_sampling(
    make: Callable[[], nn.Module],
    sampler: Sampler,
    device: torch.device,
    image_shape: tuple[int, int, int] = (1, 28, 28),
    scales: tuple[float, ...] = (1.0, 4.0),
    batch_size: int = 32,
    num_steps: int = 4,
    repeats: int = 7,
    on_run: Callable[[], None] = lambda: None,
) -> list[SamplingCost]:
    """Sampling at each scale and by two passes, all in turn, from the same noise.

    make: step 5's `ConditionalDiT` of ten classes; sampler: step 7's `sample_conditional`; on_run: called
    `runs_of_sampling(...)` times. Raises CountError where the sampler evaluates anything but B samples a step at
    the scales 0 and 1, and 2B at any other.
    """
    model = make().to(device).eval()
    noise = torch.randn(batch_size, *image_shape, device=device)
    labels = torch.arange(batch_size, device=device) % 10

    def guided(counting: nn.Module, scale: float) -> None:
        sampler(counting, labels, image_shape, num_steps=num_steps, cfg_scale=scale, noise=noise)

    def plain(counting: nn.Module, scale: float) -> None:
        two_passes(counting, noise, labels, num_steps, scale, null_class=10)

    counts = {(way, scale): Counting(model) for scale in scales for way in (guided, plain)}
    tasks: dict[str, Task] = {
        f"{way.__name__} {scale}": partial(way, counting, scale)
        for (way, scale), counting in counts.items()
    }
    seconds = in_turn(tasks, repeats, device, on_run)
    walked = (repeats + 1) * num_steps * batch_size
    costs = [
        SamplingCost(
            scale,
            batch_size,
            num_steps,
            seconds[f"guided {scale}"],
            seconds[f"plain {scale}"],
            counts[guided, scale].evaluated / walked,
            counts[plain, scale].evaluated / walked,
        )
        for scale in scales
    ]
    for cost in costs:
        _hold(cost)
    return costs


def runs_of_sampling(scales: int, repeats: int) -> int:
    """How often `cost_of_sampling` calls `on_run`."""
    return runs(2 * scales, repeats)


def _hold(cost: SamplingCost) -> None:
    right = 1 if cost.scale in (0, 1) else 2
    if (cost.evaluated, cost.evaluated_by_two_passes) != (right, 2):
        raise CountError(
            f"Sampling at w = {cost.scale:g} evaluated {cost.evaluated:g} samples an image a step, two passes "
            f"{cost.evaluated_by_two_passes:g}; it must be {right} and 2."
        )


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
