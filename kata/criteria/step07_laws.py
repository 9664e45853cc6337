"""Criteria of step 7 about laws: where guidance leads in a world of Gaussian clouds."""

import torch

from kata.criteria.questions import asks, images
from kata.criteria.rules import LANDED, Criterion, close, rule
from kata.testing.models import GaussianWorld

CLOUD_SHAPE = (2, 2, 3)
SPREADS = (0.4, 0.9, 1.6, 0.7)
"""Spreads of the classes 0 to 2 and of the null class."""

LAW_SCALES = (0, 0.5, 1, 2, 3)
LAW_STEPS = (32, 64, 128)
MEAN_STEPS = (1, 7, 64)


def widened(step, g, scale):
    """Return the slope of guided samples in their starting points, in 32, 64 and 128 steps.

    All clouds are at one place. Three images, of the classes 0 to 2: `(3,)` for each.
    """
    world = GaussianWorld(images(g, 1, CLOUD_SHAPE).expand(4, -1, -1, -1), torch.tensor(SPREADS))
    start, slopes = images(g, 3, CLOUD_SHAPE), []
    for num_steps in LAW_STEPS:
        ends = [
            step.sample_conditional(
                world, [0, 1, 2], CLOUD_SHAPE, num_steps, scale, num_classes=3, noise=noise
            )
            for noise in (start, start + 1)
        ]
        slopes.append((ends[1] - ends[0]).mean((1, 2, 3)))
    return world, slopes


def middle(step, g, num_steps, scale):
    """Return a world of equal spreads, and the middle of the ends from noise and its mirror."""
    world = GaussianWorld(images(g, 4, CLOUD_SHAPE), torch.full((4,), 0.6))
    start = images(g, 3, CLOUD_SHAPE)
    ends = [
        step.sample_conditional(
            world, [0, 1, 2], CLOUD_SHAPE, num_steps, scale, num_classes=3, noise=noise
        )
        for noise in (start, -start)
    ]
    return world, (ends[0] + ends[1]) / 2


@asks("sample_conditional")
def spreads_multiply(step, g):
    return {
        f"w={scale}, {num_steps} steps": slope
        for scale in LAW_SCALES
        for num_steps, slope in zip(LAW_STEPS, widened(step, g, scale)[1], strict=True)
    }


rule(spreads_multiply, LANDED)


@asks("sample_conditional")
def means_are_extrapolated(step, g):
    return {
        f"w={scale}, {num_steps} steps": middle(step, g, num_steps, scale)[1]
        for scale in LAW_SCALES
        for num_steps in MEAN_STEPS
    }


rule(means_are_extrapolated, LANDED)


@asks("sample_conditional")
def twice_the_steps_halve_the_error(step, g):
    coarse, fine, finest = widened(step, g, 2)[1]
    return {"errors, one to the other": (coarse - fine) / (fine - finest)}


rule(twice_the_steps_halve_the_error, Criterion(close(0.02)))
