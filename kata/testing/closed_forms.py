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

    A stand-in's velocity is linear, a x + b. Step i of N multiplies by k_i = 1 - a_i / N, so that x
    becomes the product of all k_i times x, less the sum of b_i / N times the product of all later
    k. It is computed in float64. The stand-in records no call.
    """
    shape, exact = (num_steps, *x.shape), x.double()
    grid = 1 - torch.arange(num_steps, dtype=torch.float64) / num_steps
    times = grid.repeat_interleave(len(x)).to(x.dtype)

    def linear(label: Tensor) -> tuple[Tensor, Tensor]:
        points = (exact.new_full((num_steps * len(x), *x.shape[1:]), value) for value in (0, 1))
        zero, one = (model.velocity(p, times, label.repeat(num_steps)).double() for p in points)
        return (one - zero).view(shape), zero.view(shape)

    sides = zip(linear(torch.full_like(labels, model.null_class)), linear(labels), strict=True)
    a, b = (u + scale * (c - u) for u, c in sides)
    products = (1 - a / num_steps).flip(0).cumprod(0).flip(0)
    later = torch.cat([products[1:], torch.ones_like(products[:1])])
    return (products[0] * exact - (later * b).sum(0) / num_steps).to(x.dtype)


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
