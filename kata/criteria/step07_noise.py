"""Criteria of step 7 about the starting noise: its tails, and that its numbers are independent."""

import math

import torch

from kata.criteria.questions import NOISE_SHAPE, asks, random_sources, tally
from kata.criteria.rules import TESTIMONY, counts, rule, standard_normal
from kata.criteria.step07 import called_by, of_each_sampler

LARGE_SHAPE = (3, 106, 106)
TAILS = {2: 0.0455003, 3: 0.0026998, 4: 6.3342e-5}
"""Distances from 0, and the shares of numbers from N(0, 1) that lie beyond them."""

PAIRS_SHAPE = (3, 40, 40)
FAR = 7
"""How large a mean product of two independent noises may be, in standard deviations: larger ones
come once in 10^11 times.
"""

BATCHES = 40
LINES_SHAPE = (3, 1, 2)
MEDIAN_NORMS = {"batches": 35.336177, "images": 5.348121, "lines": 1.386294}
"""The medians of chi² with 36, 6 and 2 degrees of freedom: squared norms of so many numbers."""


def noise_of(step, sampler, **options):
    """Draw with one of the samplers in one step, without guidance; return the noise it starts from.

    The images are in the order in which the model got them.
    """
    guidance = {} if sampler == "sample" else {"cfg_scale": 1.0}
    return torch.cat([x for x, *_ in called_by(step, sampler, **guidance, **options).calls])


def tails(step, sampler, g):
    """Count the numbers that are further away from 0 than each distance of TAILS.

    Half of the noise is drawn from each of the two sources.
    """
    noise = torch.cat(
        [
            noise_of(step, sampler, shape=LARGE_SHAPE, generator=own)
            for own in random_sources(g).values()
        ]
    )
    return torch.stack([(noise.abs() > distance).sum() for distance in TAILS])


def related(noise):
    """Count the pairs of images, of channels, and of neighbours along an axis that are related.

    noise: `(N, C, H, W)`. Of two independent noises the sum of the products of n numbers has the
    standard deviation √n.
    """
    across = {
        "images": _products(noise.flatten(1)[None]),
        "channels": _products(noise.flatten(2)),
        "neighbours": torch.stack([_with_next(noise, axis) for axis in (1, 2, 3)]),
    }
    return {name: (products.abs() > FAR).sum() for name, products in across.items()}


def _products(parts):
    """Return the mean products of each two of `(..., N, n)`, and 0 for each with itself."""
    return (parts @ parts.mT / parts.shape[-1] ** 0.5).triu(1)


def _with_next(noise, axis):
    """Return the mean product of all numbers and those after them along an axis."""
    size = noise.shape[axis] - 1
    products = noise.narrow(axis, 0, size) * noise.narrow(axis, 1, size)
    return products.sum() / products.numel() ** 0.5


def two_batches(step, sampler, g):
    """Return the noise of a call with a generator, and of one without: `(12, 3, 40, 40)`."""
    sources = random_sources(g).values()
    return torch.cat([noise_of(step, sampler, shape=PAIRS_SHAPE, generator=own) for own in sources])


def small_batches(step, sampler, source):
    """Return the noise of 40 calls in a row with one source, `(40, 6, 3, 1, 2)`."""
    return torch.stack(
        [noise_of(step, sampler, shape=LINES_SHAPE, generator=source) for _ in range(BATCHES)]
    )


def joint(noise):
    """Count batches, images and lines in which something happens that has the probability 1/2.

    For each of the three: the sum of its numbers is near 0; its squared norm is above the median.
    Of lines also: the difference of its two numbers is near 0.
    """
    parts = {"batches": noise.flatten(1), "images": noise.flatten(0, 1).flatten(1)}
    parts["lines"] = noise.flatten(0, 3)
    happened = {
        name: [
            part.sum(1).abs() < 0.67448975 * part.shape[1] ** 0.5,
            part.square().sum(1) > MEDIAN_NORMS[name],
        ]
        for name, part in parts.items()
    }
    happened["lines"].append(parts["lines"].diff(dim=1)[:, 0].abs() < 0.67448975 * 2**0.5)
    return {name: torch.stack([one.sum() for one in every]) for name, every in happened.items()}


@asks("sample_each_class")
@of_each_sampler
def noise_is_standard_normal(step, sampler, g):
    return {
        f"{name}: tally": tally(called_by(step, sampler, shape=NOISE_SHAPE, generator=own).starts)
        for name, own in random_sources(g).items()
    }


rule(noise_is_standard_normal, standard_normal(6 * math.prod(NOISE_SHAPE)))


@asks("sample_each_class")
@of_each_sampler
def every_sample_has_noise_of_its_own(step, sampler, g):
    lines = {}
    for name, own in random_sources(g).items():
        starts = called_by(step, sampler, generator=own).starts
        lines[name] = len(torch.unique(starts.flatten(0, -2), dim=0))
    return lines


rule(every_sample_has_noise_of_its_own, TESTIMONY)


@asks("sample_each_class")
@of_each_sampler
def noise_has_the_tails_of_a_normal(step, sampler, g):
    return {"both generators: tails": tails(step, sampler, g)}


rule(
    noise_has_the_tails_of_a_normal,
    counts(tails=(12 * math.prod(LARGE_SHAPE), tuple(TAILS.values()))),
)


@asks("sample_each_class")
@of_each_sampler
def no_two_images_share_their_noise(step, sampler, g):
    return related(two_batches(step, sampler, g))


rule(no_two_images_share_their_noise, TESTIMONY)


@asks("sample_each_class")
@of_each_sampler
def noise_is_independent(step, sampler, g):
    return {
        f"{name}: {part}": count
        for name, own in random_sources(g).items()
        for part, count in joint(small_batches(step, sampler, own)).items()
    }


rule(
    noise_is_independent,
    counts(
        batches=(BATCHES, (0.5, 0.5)),
        images=(6 * BATCHES, (0.5, 0.5)),
        lines=(18 * BATCHES, (0.5, 0.5, 0.5)),
    ),
)
