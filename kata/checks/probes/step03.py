"""What step 3 is asked: the guidance formula, and a model's guided velocity."""

import torch

from kata.checks.models import LabelField
from kata.checks.probes import asks, refusal


def velocities(g, shape=(3, 1, 4, 5), dtype=torch.float64):
    """An unconditional and a conditional velocity."""
    return [(3 * torch.randn(shape, generator=g, dtype=torch.float64)).to(dtype) for _ in range(2)]


@asks("guide")
def scale_one_is_conditional(step, g):
    return {"v": step.guide(*velocities(g), 1.0)}


@asks("guide")
def values_follow_the_formula(step, g):
    u, c = velocities(g)
    return {f"w={w}": step.guide(u, c, w) for w in (-1.0, 0.5, 1.5, 4.0, 7, 12.5)}


@asks("guide")
def scale_of_another_shape_is_refused(step, g):
    u, c = velocities(g)
    shapes = [(2,), (4,), (3, 1), (1, 3), (3, 1, 1, 1)]
    return {str(s): refusal(lambda s=s: step.guide(u, c, torch.ones(s))) for s in shapes}


@asks("guided_velocity")
def cost_in_samples_evaluated(step, g):
    costs = {}
    for scale in (0, 0.0, 1, 1.0, 0.5, 2.0, -1.0):
        model = LabelField(3, 4, torch.float64)
        x = torch.randn(4, 4, 3, 4, generator=g, dtype=torch.float64)
        step.guided_velocity(
            model, x, torch.rand(4, generator=g).double(), torch.arange(4) % 3, scale, 3
        )
        costs[f"w={scale!r}"] = model.evaluated
    return costs
