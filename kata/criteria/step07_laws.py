"""Criteria of step 7 about laws: where guidance leads in a world of Gaussian clouds."""

import torch

from kata.criteria.questions import asks, images
from kata.criteria.rules import LANDED, rule
from kata.testing.models import GaussianWorld

CLOUD_SHAPE = (2, 2, 3)
SPREADS = (0.4, 0.9, 1.6, 0.7)
"""Spreads of the classes 0 to 2 and of the null class."""

LAW_SCALES = (0.5, 3)
LAW_STEPS = (48, 96)
MEAN_CASES = [(1, 0), (1, 1.5), (7, 0.5), (7, 3), (20, 1)]
"""Number of steps, and guidance scale."""


def two_ends(step, world, num_steps, scale, start, other):
    """Return where the classes 0 to 2 end from one noise and from another: two `(3, C, H, W)`."""
    ends = step.sample_conditional(
        *(world, [0, 1, 2, 0, 1, 2], CLOUD_SHAPE, num_steps, scale),
        num_classes=3,
        noise=torch.cat([start, other]),
    )
    return ends[:3], ends[3:]


def widened(step, g, scale, steps=LAW_STEPS):
    """Return the slope of guided samples in their starting points, in 48 and in 96 steps.

    All clouds are at one place. Three images, of the classes 0 to 2: `(3,)` for each.
    """
    world = GaussianWorld(images(g, 1, CLOUD_SHAPE).expand(4, -1, -1, -1), torch.tensor(SPREADS))
    start, slopes = images(g, 3, CLOUD_SHAPE), []
    for num_steps in steps:
        one, other = two_ends(step, world, num_steps, scale, start, start + 1)
        slopes.append((other - one).mean((1, 2, 3)))
    return world, slopes


def middle(step, g, num_steps, scale):
    """Return a world of equal spreads, and the middle of the ends from noise and its mirror."""
    world = GaussianWorld(images(g, 4, CLOUD_SHAPE), torch.full((4,), 0.6))
    start = images(g, 3, CLOUD_SHAPE)
    one, other = two_ends(step, world, num_steps, scale, start, -start)
    return world, (one + other) / 2


@asks("sample_conditional")
def spreads_multiply(step, g):
    return {
        f"w={scale}": slope for scale in LAW_SCALES for slope in widened(step, g, scale, (48,))[1]
    }


rule(spreads_multiply, LANDED.told)


@asks("sample_conditional")
def means_are_extrapolated(step, g):
    return {
        f"w={scale}, {num_steps} steps": middle(step, g, num_steps, scale)[1]
        for num_steps, scale in MEAN_CASES
    }


rule(means_are_extrapolated, LANDED.told)


@asks("sample_conditional")
def twice_the_steps_halve_the_error(step, g):
    coarse, fine = widened(step, g, 2)[1]
    return {"48 steps": coarse, "96 steps": fine}


rule(twice_the_steps_halve_the_error, LANDED.told)
