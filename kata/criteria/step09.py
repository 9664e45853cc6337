"""Criteria of step 9: the same noise in three sampling modes."""

from itertools import product

import torch

from kata.criteria.questions import (
    IMAGE_SHAPE,
    asks,
    images,
    random_sources,
    with_generators,
    with_the_global_one,
)
from kata.criteria.rules import CALL_TIMES, LANDED, REPEATED, TESTIMONY, rule
from kata.testing.models import LabelField, PointMass

MODES = ("unconditional", "conditional", "guided")

MODE_CASES = list(product([(0, 3), (2, 3), (4, 7), (9, 12)], (-1.0, 0.5, 1.5, 4)))
MODE_CASES += [((3, 3), 4.0), ((25, 26), 2.0), ((26, 26), 2.0), ((0, 26), 0.98)]
MODE_CASES += [((1, 3), 50), ((1, 3), -5), ((1, 3), 0), ((1, 3), 1), ((1, 3), 1.02), ((1, 3), 0.02)]
"""Target class and number of classes, and guidance scale."""

WALKS = [*product((1, 2, 5), (1, 4, 6)), (49, 3), (100, 2), (1, 300)]
"""Number of steps, and number of samples."""


def rows(result):
    """Stack the three modes, `(3, N, C, H, W)`. Raise KeyError if there are others."""
    if sorted(result) != sorted(MODES):
        raise KeyError(f"the modes are {sorted(result)}")
    return torch.stack([result[mode] for mode in MODES])


def draw_modes(step, model, shape=IMAGE_SHAPE, **options):
    """Draw four samples of class 1 in each mode, guided with scale 3, by default in one step."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    return step.compare_modes(model, 1, 4, 3.0, shape, **options)


@asks("compare_modes")
def modes_lead_where_the_formula_says(step, g):
    landed = {}
    for (target, k), scale in MODE_CASES:
        model, noise = LabelField(k, 3), images(g, 3)
        result = step.compare_modes(model, target, 3, scale, IMAGE_SHAPE, 2, k, noise=noise)
        landed[f"class {target} of {k}, w={scale}"] = rows(result)
    return landed


rule(modes_lead_where_the_formula_says, LANDED)


@asks("compare_modes")
def sample_i_starts_from_noise_i(step, g):
    walked = {}
    for num_steps, count in WALKS:
        model, noise = LabelField(7, 3), images(g, count)
        before, name = noise.clone(), f"{num_steps} steps, {count} samples"
        result = step.compare_modes(model, 5, count, 2.5, IMAGE_SHAPE, num_steps, 7, noise=noise)
        walked |= {name: rows(result), f"{name}: changed": noise - before}
    return walked


rule(sample_i_starts_from_noise_i, LANDED)


@asks("compare_modes")
def all_modes_start_from_the_same_noise(step, g):
    starts = {}
    for name, own in random_sources(g).items():
        model = LabelField(3, 3)
        rows(draw_modes(step, model, generator=own))
        starts[name] = len(model.starts)
    return starts


rule(all_modes_start_from_the_same_noise, TESTIMONY)


@asks("compare_modes")
def cost_of_the_three_modes(step, g):
    asked = {}
    for num_steps in (1, 3):
        model = LabelField(3, 3)
        rows(draw_modes(step, model, num_steps=num_steps))
        asked[f"{num_steps} steps: times"] = torch.tensor(model.times)
        asked[f"{num_steps} steps: samples evaluated"] = model.evaluated
    return asked


rule(cost_of_the_three_modes, CALL_TIMES)


@asks("compare_modes")
def generator_decides_the_result(step, g):
    return with_generators(lambda own: rows(draw_modes(step, LabelField(3, 3), generator=own)), g)


rule(generator_decides_the_result, REPEATED)


@asks("compare_modes")
def without_a_generator_the_global_one_is_used(step, g):
    return with_the_global_one(lambda own: rows(draw_modes(step, LabelField(3, 3), generator=own)))


rule(without_a_generator_the_global_one_is_used, REPEATED)


@asks("compare_modes")
def samples_within_a_mode_differ(step, g):
    drawn = rows(draw_modes(step, LabelField(3, 3)))
    return {"different": torch.tensor([len(torch.unique(row, dim=0)) for row in drawn])}


rule(samples_within_a_mode_differ, TESTIMONY)


@asks("compare_modes")
def defaults(step, g):
    model = PointMass(images(g, 11, (1, 28, 28)))
    return {"modes": rows(step.compare_modes(model)), "samples evaluated": model.evaluated}


rule(defaults, LANDED)
