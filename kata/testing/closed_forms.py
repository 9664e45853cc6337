"""Closed forms of the stand-in models: where sampling must lead. Tests know them; a sandbox does not hold them."""

import torch
from torch import Tensor

from kata.testing.models import PointMass, StandIn


def aim(model: PointMass, labels: Tensor | list[int], scale: float) -> Tensor:
    """Where guidance leads on point masses: mu_u + w (mu_c - mu_u), one image for every label."""
    mu = model.mu.detach()
    return mu[-1] + scale * (mu[labels] - mu[-1])


@torch.no_grad()
def guided_euler(model: StandIn, x: Tensor, labels: Tensor, scale: float, num_steps: int) -> Tensor:
    """Where Euler's method leads from x at t = 1 on a stand-in's guided velocity; no call is recorded."""
    null = torch.full_like(labels, model.null_class)
    for i in range(num_steps):
        t = torch.full((x.shape[0],), 1 - i / num_steps, dtype=x.dtype)
        u, c = model.velocity(x, t, null), model.velocity(x, t, labels)
        x = x - (u + scale * (c - u)) / num_steps
    return x
