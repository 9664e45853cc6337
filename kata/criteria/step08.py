"""Criteria of step 8: the grid of scales, and the fidelity and diversity of its images."""

from itertools import product

import torch

from kata.criteria.questions import (
    IMAGE_SHAPE,
    NOISE_SHAPE,
    asks,
    images,
    noise_counts,
    random_sources,
    refusal,
    with_generators,
    with_the_global_one,
)
from kata.criteria.rules import (
    LANDED,
    REPEATED,
    SAME,
    SINGLE_OR_DOUBLE,
    TESTIMONY,
    Criterion,
    Values,
    close,
    counts,
    refused,
    rule,
    seen,
)
from kata.testing.bounds import noise_shares
from kata.testing.models import LabelField, PointMass

NOISE_PIXELS = NOISE_SHAPE[0] * NOISE_SHAPE[1] * NOISE_SHAPE[2]

GRID_CASES = [
    *[(3, 1, 1), (3, 2, 6), (7, 4, 5), (7, 1, 6), (12, 2, 5), (12, 4, 1)],
    *[(26, 2, 7), (3, 49, 3), (3, 100, 2), (4, 1, 300)],
]
"""Number of classes, number of steps, and number of samples."""

GRID_SCALES = (4, 0.5, -1, 1.5, 1, 0)

SCALE_LISTS = (
    [2.5, 1, 7, 3],
    (7,),
    (1, 2),
    [3, 3.0, -0.5],
    (0,),
    (0.98, 0.02, 1.02, -0.02),
    (2, 2),
    (50, -20),
)

READINGS = [
    ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]),
    ([3, 1, 4, 1, 5, 2, 6], [3, 1, 4, 0, 5, 2, 0]),
    ([2, 2, 2, 6, 2], [2, 2, 2, 2, 2]),
    ([0, 1, 2], [1, 2, 0]),
    ([5], [5]),
    ([5], [4]),
]
"""Classes that samples show, and classes that were requested."""

LOGIT_OFFSETS = (0.0, 40.0)
"""What is added to all logits: without it, all of them are negative."""

DIVERSITY_SHAPES = [
    (2, 1, 4, 4),
    (3, 3, 5, 4),
    (4, 1, 4, 4),
    (5, 4, 3, 6),
    (7, 1, 2, 3),
    (2, 1, 1, 1),
    (6, 1, 1, 5),
    (300, 1, 4, 4),
]

BRIGHTNESS_SHIFTS = (-5.0, 8.0)


def draw_grid(step, model, shape=IMAGE_SHAPE, **options):
    """Draw four samples of digit 1 at two scales, by default in one step."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    return step.compare_cfg_scales(model, 1, (3, 1), 4, shape, **options)


def started(step):
    """Draw 300 samples at two scales without noise, and return the model, which has seen them."""
    model = LabelField(3, 3)
    step.compare_cfg_scales(model, 1, (3, 1), 300, NOISE_SHAPE, num_steps=1, num_classes=3)
    return model


def nearest(targets, offset=0.0):
    """Return a classifier function: the closer a sample is to image k, the larger logit k."""
    return lambda samples: (offset - torch.cdist(samples.flatten(1), targets.flatten(1))) / 10


def blurred(g, targets, shown):
    """Return samples near the images of the classes that they show."""
    return targets[shown] + 0.1 * images(g, len(shown))


def drawn_readings(step, g, targets):
    """Return the fidelity of samples whose classes are drawn, about half of them as requested."""
    shares = {}
    for i in range(6):
        shown, other = torch.randint(7, (2, 60), generator=g)
        requested = torch.where(torch.rand(60, generator=g) < 0.5, shown, other)
        shares[f"drawn {i}"] = step.fidelity(
            blurred(g, targets, shown), requested, nearest(targets)
        )
    return shares


def bright_samples(g):
    """Return images of three classes that differ only above 1, samples near them, and labels."""
    targets = torch.stack([torch.full(IMAGE_SHAPE, value) for value in (1.2, 2.0, 3.0)])
    samples = targets[[2, 1, 2, 0, 1]] + 0.1 * torch.rand(5, *IMAGE_SHAPE, generator=g)
    return targets, samples, torch.tensor([2, 1, 2, 1, 1])


def stretched(g, shape):
    """Draw samples whose columns differ in contrast."""
    return images(g, shape[0], shape[1:]) * torch.arange(1.0, 1 + shape[-1])


@asks("compare_cfg_scales")
def entry_s_i_is_noise_i_guided_with_scale_s(step, g):
    grids = {}
    for k, num_steps, count in GRID_CASES:
        model, noise = LabelField(k, 3), images(g, count)
        scales = GRID_SCALES[: 6 if num_steps < 10 else 2]
        grids[f"K={k}, {num_steps} steps, {count} samples"] = step.compare_cfg_scales(
            model, k - 2, scales, count, IMAGE_SHAPE, num_steps, k, noise=noise
        )
    return grids


rule(entry_s_i_is_noise_i_guided_with_scale_s, LANDED.weighing(4))


@asks("compare_cfg_scales")
def each_scale_leads_where_the_formula_says(step, g):
    model = PointMass(images(g, 4))
    return {
        f"digit {digit}, w={scales}": step.compare_cfg_scales(
            model, digit, scales, 2, IMAGE_SHAPE, 3, num_classes=3
        )
        for digit, scales in product((0, 2, 3), SCALE_LISTS)
    }


rule(each_scale_leads_where_the_formula_says, LANDED.told)


@asks("compare_cfg_scales")
def all_scales_start_from_the_same_noise(step, g):
    seen = {}
    for name, own in random_sources(g).items():
        model, noise = LabelField(3, 3), images(g, 4)
        draw_grid(step, model, generator=own)
        seen[f"{name}: different starts"] = len(model.starts)
        model, before = LabelField(3, 3), noise.clone()
        draw_grid(step, model, generator=own, noise=noise)
        seen |= {f"{name}: starts": model.starts, f"{name}: changed": noise - before}
    return seen


rule(all_scales_start_from_the_same_noise, TESTIMONY)


@asks("compare_cfg_scales")
def noise_is_standard_normal(step, g):
    return noise_counts(started(step).starts)


rule(noise_is_standard_normal, counts(**noise_shares(300, NOISE_PIXELS)))


@asks("compare_cfg_scales")
def generator_decides_the_result(step, g):
    return with_generators(lambda own: draw_grid(step, LabelField(3, 3), generator=own), g)


rule(generator_decides_the_result, REPEATED)


@asks("compare_cfg_scales")
def without_a_generator_the_global_one_is_used(step, g):
    return with_the_global_one(lambda own: draw_grid(step, LabelField(3, 3), generator=own))


rule(without_a_generator_the_global_one_is_used, REPEATED)


@asks("compare_cfg_scales")
def steps_and_cost(step, g):
    asked = {}
    for num_steps in (1, 3, 5):
        model = LabelField(3, 3)
        draw_grid(step, model, num_steps=num_steps)
        asked[f"{num_steps} steps: times"] = torch.tensor(model.times)
        asked[f"{num_steps} steps: samples evaluated per step"] = model.evaluated / num_steps
    return asked


def _affordable(values: Values) -> Values:
    """Return the times, and whether a step needs at most two velocities per sample and scale."""
    return {
        name: value if name.endswith("times") else value <= 2 * 4 * 2
        for name, value in values.items()
    }


rule(steps_and_cost, Criterion(seen(_affordable, close(0.0002)), SAME, testimony=True))


@asks("compare_cfg_scales")
def defaults(step, g):
    model = PointMass(images(g, 11, (1, 28, 28)))
    return {"grid": step.compare_cfg_scales(model), "steps": len(model.times)}


rule(defaults, LANDED)


@asks("fidelity")
def fidelity_is_the_share_read_as_asked(step, g):
    targets, shares = images(g, 7), {}
    for shown, requested in READINGS:
        samples = blurred(g, targets, shown)
        for offset in LOGIT_OFFSETS:
            shares[f"{shown} as {requested}, {offset}"] = step.fidelity(
                samples, torch.tensor(requested), nearest(targets, offset)
            )
    return shares | drawn_readings(step, g, targets)


def number(tolerance: float) -> Criterion:
    """Return the criterion of numbers within a tolerance: of Python, NumPy or torch."""
    return Criterion(close(tolerance, dtype=False), dtypes=SINGLE_OR_DOUBLE | {torch.int64})


rule(fidelity_is_the_share_read_as_asked, number(1e-06))


@asks("fidelity")
def fidelity_shows_the_samples_as_they_are(step, g):
    targets, samples, labels = bright_samples(g)
    before = samples.clone()
    share = step.fidelity(samples, labels, nearest(targets))
    return {"share": share, "changed": samples - before}


rule(fidelity_shows_the_samples_as_they_are, number(1e-06).told)


@asks("diversity")
def diversity_is_the_mean_standard_deviation_of_a_pixel(step, g):
    spreads = {}
    for shape in DIVERSITY_SHAPES:
        samples = stretched(g, shape)
        before = samples.clone()
        spreads[f"{shape}"] = step.diversity(samples)
        spreads[f"{shape}: changed"] = samples - before
    return spreads


rule(diversity_is_the_mean_standard_deviation_of_a_pixel, number(1e-05).weighing(0.25))


@asks("diversity")
def diversity_of_two_samples(step, g):
    return {"spread": step.diversity(images(g, 2))}


rule(diversity_of_two_samples, number(1e-05).weighing(0.25))


@asks("diversity")
def diversity_does_not_see_what_all_samples_share(step, g):
    samples, shared = images(g, 4), images(g, 1)
    return {f"{shift}": step.diversity(samples + shift + shared) for shift in BRIGHTNESS_SHIFTS}


rule(diversity_does_not_see_what_all_samples_share, number(1e-05).weighing(0.25))


@asks("diversity")
def diversity_needs_two_samples(step, g):
    return {f"{n} samples": refusal(lambda n=n: step.diversity(images(g, n))) for n in (0, 1)}


rule(diversity_needs_two_samples, refused(ValueError))
