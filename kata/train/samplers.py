"""Sampling beyond the document: Heun's method, and guidance only within an interval of time.

A velocity is `v(x, t)` at images x, `(B, C, H, W)`, and one time t for all of them, a number.
`guided` makes one from step 3 of an implementation; `euler` and `heun` follow any velocity from
noise at t = 1 to images at t = 0.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Velocity = Callable[[Tensor, float], Tensor]
GuidedVelocity = Callable[..., Tensor]
"""Step 3's `guided_velocity(model, x, t, y, scale, null_class)`."""

Interval = tuple[float, float]
ALL_TIMES: Interval = (0.0, 1.0)


def guided(
    guided_velocity: GuidedVelocity,
    model: nn.Module,
    labels: Tensor,
    scale: float,
    null_class: int,
    interval: Interval = ALL_TIMES,
) -> Velocity:
    """Return the velocity towards the labels, `(B,)`: guided by `scale` if t lies in the interval.

    At other times the scale is 1. Near t = 1 guidance reduces diversity, near t = 0 it changes
    almost nothing, and without it a step costs half (Kynkäänniemi et al., "Applying guidance in a
    limited interval improves sample and distribution quality in diffusion models", 2024).
    """
    low, high = interval

    def velocity(x: Tensor, t: float) -> Tensor:
        times = torch.full((len(x),), t, dtype=x.dtype, device=x.device)
        now = scale if low <= t <= high else 1.0
        return guided_velocity(model, x, times, labels, now, null_class)

    return velocity


@torch.no_grad()
def euler(velocity: Velocity, noise: Tensor, num_steps: int) -> Tensor:
    """Euler's method, as in step 7: first order, one evaluation per step, at t = 1, ..., dt."""
    x = noise
    for t, _ in _steps(num_steps):
        x = x - velocity(x, t) / num_steps
    return x


@torch.no_grad()
def heun(velocity: Velocity, noise: Tensor, num_steps: int) -> Tensor:
    """Heun's method: second order, two evaluations per step, at its start and at Euler's end point.

    Karras et al., "Elucidating the design space of diffusion-based generative models", 2022,
    algorithm 1. The last step would end at t = 0, where an image no longer shows which noise it
    came from, so the velocity is not defined. Its second evaluation is at its middle instead,
    which is of second order too.
    """
    x = noise
    for t, after in _steps(num_steps):
        first = velocity(x, t)
        if after > 0:
            second = velocity(x - first / num_steps, after)
            x = x - (first + second) / (2 * num_steps)
        else:
            x = x - velocity(x - first / (2 * num_steps), t / 2) / num_steps
    return x


SOLVERS: dict[str, Callable[[Velocity, Tensor, int], Tensor]] = {"euler": euler, "heun": heun}


def _steps(num_steps: int) -> list[tuple[float, float]]:
    """Return the times at which each step begins and ends, from 1 down to 0."""
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    return [((i + 1) / num_steps, i / num_steps) for i in reversed(range(num_steps))]
