"""What step 8 is asked: the grid of scales, and the two numbers that are read off it."""

import torch

from kata.criteria.questions import (
    asks,
    branch,
    images,
    refusal,
    tally,
    with_generators,
    with_the_global_one,
)
from kata.criteria.rules import (
    LANDED,
    REPEATED,
    SAME,
    TESTIMONY,
    Criterion,
    Values,
    close,
    rule,
    seen,
    standard_normal,
)
from kata.testing.models import LabelField, PointMass

SHAPE = (3, 4, 6)


def compare(step, model, **options):
    """Two scales in one step on four samples of digit 1."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    return step.compare_cfg_scales(model, 1, (3, 1), 4, SHAPE, **options)


def nearest(targets, offset=0.0):
    """A classifier, just a function, never quite sure: the closer a sample to image k, the greater logit k."""
    return lambda samples: (offset - torch.cdist(samples.flatten(1), targets.flatten(1))) / 10


@asks("compare_cfg_scales")
def entry_s_i_is_noise_i_guided_with_scale_s(step, g):
    grids = {}
    for k, num_steps, count in [(3, 1, 1), (7, 2, 5), (12, 4, 6), (3, 4, 6)]:
        grids[f"K={k}, {num_steps} steps, {count} samples"] = step.compare_cfg_scales(
            LabelField(k, 3),
            k - 2,
            (4, 0.5, -1, 1.5, 1, 0),
            count,
            SHAPE,
            num_steps,
            k,
            noise=images(g, count, SHAPE),
        )
    return grids


rule(entry_s_i_is_noise_i_guided_with_scale_s, LANDED)


@asks("compare_cfg_scales")
def each_scale_leads_where_the_formula_says(step, g):
    model = PointMass(images(g, 4, SHAPE))
    return {
        f"digit {digit}, w={scales}": step.compare_cfg_scales(
            model, digit, scales, 2, SHAPE, 3, num_classes=3
        )
        for digit in (0, 2, 3)
        for scales in ([2.5, 1, 7, 3], (7,), (1, 2), [3, 3.0, -0.5])
    }


rule(each_scale_leads_where_the_formula_says, LANDED)


@asks("compare_cfg_scales")
def all_scales_start_from_the_same_noise(step, g):
    seen = {}
    for own in (branch(g), None):
        for given in (images(g, 4, SHAPE), None):
            model = LabelField(3, 3)
            before = None if given is None else given.clone()
            compare(step, model, generator=own, noise=given)
            name = f"generator {own is not None}, noise {given is not None}"
            seen[f"{name}: different starts"] = len(model.starts)
            if given is not None:
                seen[f"{name}: starts"] = model.starts
                seen[f"{name}: changed"] = given - before
    return seen


rule(all_scales_start_from_the_same_noise, TESTIMONY)


@asks("compare_cfg_scales")
def noise_is_standard_normal(step, g):
    model = LabelField(3, 3)
    step.compare_cfg_scales(model, 1, (3, 1), 5, (3, 40, 30), num_steps=1, num_classes=3)
    return {"tally": tally(model.starts)}


rule(noise_is_standard_normal, standard_normal(5 * 3 * 40 * 30))


@asks("compare_cfg_scales")
def generator_decides_the_result(step, g):
    return with_generators(lambda own: compare(step, LabelField(3, 3), generator=own), g)


rule(generator_decides_the_result, REPEATED)


@asks("compare_cfg_scales")
def without_a_generator_the_global_one_is_used(step, g):
    return with_the_global_one(lambda own: compare(step, LabelField(3, 3), generator=own))


rule(without_a_generator_the_global_one_is_used, REPEATED)


@asks("compare_cfg_scales")
def steps_and_cost(step, g):
    asked = {}
    for num_steps in (1, 3, 5):
        model = LabelField(3, 3)
        compare(step, model, num_steps=num_steps)
        asked[f"{num_steps} steps: times"] = torch.tensor(model.times)
        asked[f"{num_steps} steps: samples evaluated a step"] = model.evaluated / num_steps
    return asked


def _affordable(values: Values) -> Values:
    """The times, and whether a step cost at most two velocities for each of the 4 samples at both scales."""
    return {
        name: value if name.endswith("times") else value <= 2 * 4 * 2
        for name, value in values.items()
    }


rule(steps_and_cost, Criterion(seen(_affordable, close(0.0002)), SAME, testimony=True))


@asks("compare_cfg_scales")
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


@asks("compare_cfg_scales")
def defaults(step, g):
    model = PointMass(images(g, 11, (1, 28, 28)))
    return {"grid": step.compare_cfg_scales(model), "steps": len(model.times)}


rule(defaults, LANDED)


@asks("fidelity")
def fidelity_is_the_share_read_as_asked(step, g):
    targets, shares = images(g, 7, SHAPE), {}
    for shown, asked in [
        ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]),
        ([3, 1, 4, 1, 5, 2, 6], [3, 1, 4, 0, 5, 2, 0]),
        ([2, 2, 2, 6, 2], [2, 2, 2, 2, 2]),
        ([0, 1, 2], [1, 2, 0]),
        ([5], [5]),
        ([5], [4]),
    ]:
        samples = targets[shown] + 0.1 * images(g, len(shown), SHAPE)
        for offset in (0.0, 40.0):
            shares[f"{shown} as {asked}, {offset}"] = step.fidelity(
                samples, torch.tensor(asked), nearest(targets, offset)
            )
    return shares


def number(tolerance: float) -> Criterion:
    """Numbers within a tolerance: floats, ints, tensors or of NumPy."""
    return Criterion(close(tolerance, dtype=False), close(tolerance, dtype=False))


rule(fidelity_is_the_share_read_as_asked, number(1e-06))


@asks("fidelity")
def fidelity_shows_the_samples_as_they_are(step, g):
    targets = torch.stack([torch.full(SHAPE, value) for value in (1.2, 2.0, 3.0)])
    samples = targets[[2, 1, 2, 0, 1]] + 0.1 * torch.rand(5, *SHAPE, generator=g)
    before = samples.clone()
    share = step.fidelity(samples, torch.tensor([2, 1, 2, 1, 1]), nearest(targets))
    return {"share": share, "changed": samples - before}


rule(fidelity_shows_the_samples_as_they_are, number(1e-06))


@asks("diversity")
def diversity_is_the_mean_standard_deviation_of_a_pixel(step, g):
    spreads = {}
    for shape in [(2, 1, 4, 4), (3, 3, 5, 4), (4, 1, 4, 4), (5, 4, 3, 6), (7, 1, 2, 3)]:
        samples = images(g, shape[0], shape[1:]) * torch.arange(1.0, 1 + shape[-1])
        before = samples.clone()
        spreads[f"{shape}"] = step.diversity(samples)
        spreads[f"{shape}: changed"] = samples - before
    return spreads


rule(diversity_is_the_mean_standard_deviation_of_a_pixel, number(0.001))


@asks("diversity")
def diversity_of_two_samples(step, g):
    return {"spread": step.diversity(images(g, 2, SHAPE))}


rule(diversity_of_two_samples, number(0.001))


@asks("diversity")
def diversity_does_not_see_what_all_samples_share(step, g):
    samples, shared = images(g, 4, SHAPE), images(g, 1, SHAPE)
    return {f"{shift}": step.diversity(samples + shift + shared) for shift in (-5.0, 8.0)}


rule(diversity_does_not_see_what_all_samples_share, number(0.001))


@asks("diversity")
def diversity_of_equal_samples_is_zero(step, g):
    image = images(g, 1, SHAPE)
    return {f"{n} samples": step.diversity(image.expand(n, *SHAPE)) for n in (2, 5)}


rule(diversity_of_equal_samples_is_zero, number(0.01))


@asks("diversity")
def diversity_needs_two_samples(step, g):
    return {
        f"{n} samples": refusal(lambda n=n: step.diversity(images(g, n, SHAPE))) for n in (0, 1)
    }


rule(diversity_needs_two_samples, TESTIMONY)
