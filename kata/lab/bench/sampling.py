"""The cost of guided sampling beside two passes, and of Heun's method beside Euler's."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from kata.lab.bench.timing import Task, in_turn, runs
from kata.train.metrics import labels_read, read_as_asked
from kata.train.pipeline import CLASSES, SampleCounter
from kata.train.samplers import SOLVERS, GuidedVelocity, guided

Sampler = Callable[..., Tensor]


class CountError(Exception):
    """A sampler evaluated a wrong number of samples."""


@dataclass(frozen=True)
class SamplingCost:
    """The cost at one scale.

    sampler, two_passes: seconds of every run; evaluated, evaluated_by_two_passes: samples per
    image and step.
    """

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
    """Sample at each scale, by the sampler and by two passes, in turn and from the same noise.

    make: step 5's `ConditionalDiT` of ten classes; sampler: step 7's `sample_conditional`;
    on_run: called `runs_of_sampling(...)` times. Raise CountError unless the sampler evaluates B
    samples per step at the scales 0 and 1, and 2B at any other.
    """
    model = make().to(device).eval()
    noise = torch.randn(batch_size, *image_shape, device=device)
    labels = torch.arange(batch_size, device=device) % CLASSES
    evaluated: Counter[str] = Counter()

    def guided(scale: float) -> None:
        sampler(model, labels, image_shape, num_steps=num_steps, cfg_scale=scale, noise=noise)

    def plain(scale: float) -> None:
        two_passes(model, noise, labels, num_steps, scale, CLASSES)

    def counted(name: str, way: Callable[[float], None], scale: float) -> None:
        before = counter.total
        way(scale)
        evaluated[name] += counter.total - before

    ways = {f"{way.__name__} {scale}": (way, scale) for scale in scales for way in (guided, plain)}
    tasks: dict[str, Task] = {
        name: partial(counted, name, way, scale) for name, (way, scale) in ways.items()
    }
    with SampleCounter(model) as counter:
        seconds = in_turn(tasks, repeats, device, on_run)
    image_steps = (repeats + 1) * num_steps * batch_size
    costs = [
        SamplingCost(
            scale,
            batch_size,
            num_steps,
            seconds[f"guided {scale}"],
            seconds[f"plain {scale}"],
            evaluated[f"guided {scale}"] / image_steps,
            evaluated[f"plain {scale}"] / image_steps,
        )
        for scale in scales
    ]
    for cost in costs:
        _check_counts(cost)
    return costs


@torch.no_grad()
def two_passes(
    model: nn.Module, noise: Tensor, labels: Tensor, num_steps: int, scale: float, null_class: int
) -> Tensor:
    """Sample by Euler's method with two calls per step at every scale: 2B samples evaluated.

    noise: `(B, C, H, W)` at t = 1; labels: int64 `(B,)`. Return images `(B, C, H, W)`.
    """
    x, null = noise, torch.full_like(labels, null_class)
    for i in range(num_steps):
        t = torch.full((len(x),), 1 - i / num_steps, device=x.device)
        v_uncond, v_cond = model(x, t, null), model(x, t, labels)
        x = x - (v_uncond + scale * (v_cond - v_uncond)) / num_steps
    return x


def runs_of_sampling(scales: int, repeats: int) -> int:
    """Return how often `cost_of_sampling` calls `on_run`."""
    return runs(2 * scales, repeats)


def _check_counts(cost: SamplingCost) -> None:
    right = 1 if cost.scale in (0, 1) else 2
    if (cost.evaluated, cost.evaluated_by_two_passes) != (right, 2):
        raise CountError(
            f"Sampling at w = {cost.scale:g} evaluated {cost.evaluated:g} samples per image and step, two "
            f"passes {cost.evaluated_by_two_passes:g}; expected {right} and 2."
        )


EULER_STEPS = (5, 10, 20, 50)
ASKED = 50
"""The document's number of Euler steps; Heun's method has to equal their quality."""
FINE = 200
"""Steps of Heun's method that stand for the exact path."""


@dataclass(frozen=True)
class SolverRun:
    """One run of a solver.

    evaluated: samples per image; distance: to the end of the exact path, root mean square;
    read_as_asked: a share in [0, 1].
    """

    method: str
    num_steps: int
    evaluated: float
    distance: float
    read_as_asked: float


@dataclass(frozen=True)
class SolverCost:
    """The runs of both methods at one scale, in the order of cost.

    asked: the run of Euler's method to equal; equal: the first run of Heun's that is as near, None
    if all that cost no more are farther away.
    """

    scale: float
    euler: list[SolverRun]
    heun: list[SolverRun]
    asked: SolverRun
    equal: SolverRun | None


@torch.no_grad()
def cost_of_solvers(
    model: nn.Module,
    guided_velocity: GuidedVelocity,
    classifier: Callable[[Tensor], Tensor],
    noise: Tensor,
    labels: Tensor,
    scale: float,
    null_class: int = CLASSES,
    euler_steps: tuple[int, ...] = EULER_STEPS,
    asked: int = ASKED,
    fine: int = FINE,
    on_run: Callable[[], None] = lambda: None,
) -> SolverCost:
    """Solve from the same noise: Euler in `euler_steps` (with `asked`), Heun in 1, 2, 3, ... steps.

    Heun's method goes on until it is as near as Euler's in `asked` steps, or costs as much.
    guided_velocity: of step 3; noise: `(B, C, H, W)`; labels: int64 `(B,)`; on_run: called after
    each run, `most_solver_runs()` times at most.
    """
    velocity = guided(guided_velocity, model, labels, scale, null_class)
    end = SOLVERS["heun"](velocity, noise, fine)
    on_run()

    def solve(method: str, num_steps: int) -> SolverRun:
        with SampleCounter(model) as counter:
            images = SOLVERS[method](velocity, noise, num_steps)
        distance = (images - end).square().mean().sqrt().item()
        read = read_as_asked(labels_read(images, classifier), labels)
        on_run()
        return SolverRun(method, num_steps, counter.total / len(noise), distance, read)

    by_euler = [solve("euler", steps) for steps in euler_steps]
    goal = by_euler[euler_steps.index(asked)]
    by_heun = [solve("heun", 1)]
    while by_heun[-1].distance > goal.distance and by_heun[-1].evaluated < goal.evaluated:
        by_heun.append(solve("heun", len(by_heun) + 1))
    last = by_heun[-1]
    return SolverCost(
        scale, by_euler, by_heun, goal, last if last.distance <= goal.distance else None
    )


def most_solver_runs() -> int:
    """Return the most calls of `on_run` by `cost_of_solvers`: N steps of Heun evaluate 2N times."""
    return 1 + len(EULER_STEPS) + ASKED // 2
