"""Closed forms: where sampling leads on the stand-in models. A sandbox never holds them."""

import torch
from torch import Tensor

from kata.testing.models import GaussianWorld, PointMass, StandIn


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


def guided_spread(world: GaussianWorld, label: int, scale: float) -> float:
    """Return the standard deviation of guided samples of a Gaussian world: s_c^w s_u^(1 - w).

    Guidance adds (1 - w) times the unconditional logarithmic rate of contraction and w times the
    conditional one, so the spreads multiply with these exponents.
    """
    spread = world.spread.detach()
    return float(spread[label] ** scale * spread[world.null_class] ** (1 - scale))


def guided_mean(world: GaussianWorld, label: int, scale: float) -> Tensor:
    """Return the mean of guided samples, `(C, H, W)`, of a world with one spread for all classes.

    It is m_u + w (m_c - m_u): beyond w = 1 guidance overshoots the class.
    """
    mean = world.mean.detach()
    return mean[world.null_class] + scale * (mean[label] - mean[world.null_class])
