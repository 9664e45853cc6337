"""Closed forms: where sampling leads on the stand-in models. A sandbox never holds them."""

import torch
from torch import Tensor

from kata.testing.models import PointMass, StandIn


def aim(model: PointMass, labels: Tensor | list[int], scale: float) -> Tensor:
    """Return where guidance leads on point masses: mu_u + w (mu_c - mu_u), one image per label."""
    mu = model.mu.detach()
    return mu[-1] + scale * (mu[labels] - mu[-1])


@torch.no_grad()
def guided_euler(model: StandIn, x: Tensor, labels: Tensor, scale: float, num_steps: int) -> Tensor:
    """Return where Euler's method leads from x at t = 1 along a stand-in's guided velocity.

    The stand-in records no call.
    """
    null = torch.full_like(labels, model.null_class)
    for i in range(num_steps):
        t = torch.full((x.shape[0],), 1 - i / num_steps, dtype=x.dtype)
        u, c = model.velocity(x, t, null), model.velocity(x, t, labels)
        x = x - (u + scale * (c - u)) / num_steps
    return x
