"""The cost of guided sampling against two passes always: in seconds, and in samples evaluated, which must be right."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from kata.train.bench.counting import Counting
from kata.train.bench.plain import two_passes
from kata.train.bench.timing import Task, in_turn, runs

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
