"""What step 9 is asked: one noise in three modes."""

import torch

from kata.criteria.questions import (
    asks,
    branch,
    images,
    tally,
    with_generators,
    with_the_global_one,
)
from kata.criteria.rules import LANDED, REPEATED, TESTIMONY, Criterion, close, rule, standard_normal
from kata.testing.models import LabelField, PointMass

SHAPE = (3, 4, 6)


MODES = ("unconditional", "conditional", "guided")


def rows(result):
    """The three modes one above the other, `(3, N, C, H, W)`; an error where there are others."""
    if sorted(result) != sorted(MODES):
        raise KeyError(f"the modes are {sorted(result)}")
    return torch.stack([result[mode] for mode in MODES])


def compare(step, model, **options):
    """Four samples of class 1 in one step, guided with 3."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    return rows(step.compare_modes(model, 1, 4, 3.0, SHAPE, **options))


@asks("compare_modes")
def modes_lead_where_the_formula_says(step, g):
    landed = {}
    for target, k in [(0, 3), (2, 3), (4, 7), (9, 12)]:
        model, noise = PointMass(images(g, k + 1, SHAPE)), torch.randn(3, *SHAPE, generator=g)
        for scale in (-1.0, 0.5, 1.5, 4):
            result = step.compare_modes(model, target, 3, scale, SHAPE, 2, k, noise=noise)
            landed[f"class {target} of {k}, w={scale}"] = rows(result)
    return landed


rule(modes_lead_where_the_formula_says, LANDED)


@asks("compare_modes")
def sample_i_starts_from_noise_i(step, g):
    walked = {}
    for num_steps in (1, 2, 5):
        for count in (1, 4, 6):
            noise, name = images(g, count, SHAPE), f"{num_steps} steps, {count} samples"
            before = noise.clone()
            walked[name] = rows(
                step.compare_modes(
                    LabelField(7, 3), 5, count, 2.5, SHAPE, num_steps, 7, noise=noise
                )
            )
            walked[f"{name}: changed"] = noise - before
    return walked


rule(sample_i_starts_from_noise_i, LANDED)


@asks("compare_modes")
def all_modes_start_from_the_same_noise(step, g):
    starts = {}
    for own in (branch(g), None):
        model = LabelField(3, 3)
        compare(step, model, generator=own)
        starts[f"generator {own is not None}"] = len(model.starts)
    return starts


rule(all_modes_start_from_the_same_noise, TESTIMONY)


@asks("compare_modes")
def noise_is_standard_normal(step, g):
    model = LabelField(3, 3)
    step.compare_modes(model, 1, 5, 3.0, (3, 40, 30), num_steps=1, num_classes=3)
    return {"tally": tally(model.starts)}


rule(noise_is_standard_normal, standard_normal(5 * 3 * 40 * 30))


@asks("compare_modes")
def cost_of_the_three_modes(step, g):
    asked = {}
    for num_steps in (1, 3):
        model = LabelField(3, 3)
        compare(step, model, num_steps=num_steps)
        asked[f"{num_steps} steps: times"] = torch.tensor(model.times)
        asked[f"{num_steps} steps: samples evaluated"] = model.evaluated
    return asked


rule(cost_of_the_three_modes, Criterion(close(0.0002), testimony=True))


@asks("compare_modes")
def generator_decides_the_result(step, g):
    return with_generators(lambda own: compare(step, LabelField(3, 3), generator=own), g)


rule(generator_decides_the_result, REPEATED)


@asks("compare_modes")
def without_a_generator_the_global_one_is_used(step, g):
    return with_the_global_one(lambda own: compare(step, LabelField(3, 3), generator=own))


rule(without_a_generator_the_global_one_is_used, REPEATED)


@asks("compare_modes")
def samples_within_a_mode_differ(step, g):
    drawn = compare(step, LabelField(3, 3))
    return {"different": torch.tensor([len(torch.unique(row, dim=0)) for row in drawn])}


rule(samples_within_a_mode_differ, TESTIMONY)


@asks("compare_modes")
def model_is_left_as_it_was_found(step, g):
    model = LabelField(3, 3).train()
    with torch.enable_grad():
        result = compare(step, model, num_steps=2)
    return {
        "graph": result.requires_grad,
        "in train mode": any(model.modes),
        "after": model.training,
    }


rule(model_is_left_as_it_was_found, TESTIMONY)


@asks("compare_modes")
def defaults(step, g):
    model = PointMass(images(g, 11, (1, 28, 28)))
    return {"modes": rows(step.compare_modes(model)), "samples evaluated": model.evaluated}


rule(defaults, LANDED)
