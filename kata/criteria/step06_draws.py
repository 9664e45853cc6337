"""Criteria of step 6 about what the loss draws: rare values, joint structure, ties to the data."""

import torch

from kata.criteria.questions import asks, random_sources
from kata.criteria.rules import counts, rule
from kata.criteria.step06 import large_batch, recorded
from kata.testing.spies import Recorder, batch

RUNS, SAMPLES = 140, 6
"""How often a small batch is drawn, half of them from each source, and its size."""


def small_batches(draw, sources):
    """Return times `(RUNS, SAMPLES)` and noise of many small batches.

    draw: returns x0, x and t of one batch, from a source; sources: two of them
    """
    drawn = [draw(source) for source in sources for _ in range(RUNS // 2)]
    x0, x, t = (torch.stack(parts) for parts in zip(*drawn, strict=True))
    return t.double(), (x - (1 - t[..., None, None, None]) * x0).flatten(2)


def spread_of_times(times, noise):
    """Mark, by what is looked at, where times and noise of many small batches have a property.

    places: `(5 * SAMPLES, RUNS)`, whether a sample's time lies in each fifth of [0, 1].
    halves: whether exactly half of a batch lies below 0.5. pairs and calls: whether neighbours in a
    batch, and in two batches in a row, lie on the same side of 0.5. noise: whether a pixel has the
    same sign in neighbours of a batch.
    """
    fifth, late = (times * 5).floor().clamp(max=4), times > 0.5
    return {
        "places": torch.cat([(fifth == i).T for i in range(5)]),
        "halves": (late.sum(1) == SAMPLES // 2).view(1, -1),
        "pairs": (late[:, ::2] == late[:, 1::2]).view(1, -1),
        "calls": (late[::2] == late[1::2]).view(1, -1),
        "noise": ((noise > 0)[:, ::2] == (noise > 0)[:, 1::2]).view(1, -1),
    }


def huge_batch(g):
    """Draw 50,000 images of four pixels, to see what is rare."""
    return batch(g, 50_000, (1, 2, 2))


def extremes(draw, sources):
    """Mark times near 0 and 1, pixels of noise beyond 4, and each twentieth of the noise's norm.

    Noise is seen in the first 98,000 samples with t > 0.01. The squared norm of four numbers from
    N(0, 1) is below 2 q with probability 1 - exp(-q) (1 + q).

    draw: returns x0, x and t of a huge batch, from a source; sources: two of them
    """
    x0, x, t = (torch.cat(parts) for parts in zip(*map(draw, sources), strict=True))
    x1 = (x0 + (x - x0) / t.view(-1, 1, 1, 1))[t > 0.01][:98_000].double()
    half = x1.flatten(1).square().sum(1) / 2
    twentieth = (20 * (1 - torch.exp(-half) * (1 + half))).floor()
    return {
        "ends": torch.stack([t < 1e-3, t > 1 - 1e-3]),
        "tails": (x1.abs() > 4).view(1, -1),
        "norms": torch.stack([twentieth == i for i in range(20)]),
    }


def ties(x0, y, x, t, labels):
    """Mark where a draw agrees with the data or with another draw, in 3800 samples with t > 0.01.

    Of two classes, and with half of the labels dropped, each pair agrees with probability 0.5.
    """
    far = t > 0.01
    x1 = (x0 + (x - x0) / t.view(-1, 1, 1, 1))[far][:3800, 0, 0]
    x0, y, t, dropped = (part[far][:3800] for part in (x0[:, 0, 0], y, t, labels == 2))
    coins = labels[:3801] == 2
    late, one, big = t > 0.5, y == 1, x1.abs() > 0.67449
    return {
        "a pixel of noise above 0 and the image's pixel above 0": (x1 > 0) == (x0 > 0),
        "a large pixel of noise and a large pixel of the image": big == (x0.abs() > 0.5),
        "a pixel of noise above 0 and the label 1": (x1 > 0) == one[:, None],
        "a large pixel of noise and the label 1": big == one[:, None],
        "a large pixel of noise and t > 0.5": big == late[:, None],
        "t > 0.5 and the image's first pixel above 0": late == (x0[:, 0] > 0),
        "t > 0.5 and the label 1": late == one,
        "a dropped label and the label 1": dropped == one,
        "a dropped label and a dropped label of the next sample": coins[1:] == coins[:-1],
        "a dropped label and the image's first pixel above 0": dropped == (x0[:, 0] > 0),
    }


@asks("flow_matching_loss")
def each_time_is_uniform_in_its_place(step, g):
    model, (x0, y) = Recorder(g), batch(g, SAMPLES)

    def draw(own):
        asked = recorded(step, model, x0, y, num_classes=3, generator=own)
        return asked["x0"], asked["x"], asked["t"]

    found = spread_of_times(*small_batches(draw, random_sources(g).values()))
    return {f"both generators: {what}": marks.sum(1) for what, marks in found.items()}


rule(
    each_time_is_uniform_in_its_place,
    counts(
        places=(RUNS, (0.2,) * 5 * SAMPLES),
        halves=(RUNS, (0.3125,)),
        pairs=(RUNS * SAMPLES // 2, (0.5,)),
        calls=(RUNS * SAMPLES // 2, (0.5,)),
        noise=(RUNS * SAMPLES * 6, (0.5,)),
    ),
)


@asks("flow_matching_loss")
def rare_draws_come_as_often_as_they_should(step, g):
    def draw(own):
        asked = recorded(step, Recorder(g), *huge_batch(g), num_classes=3, generator=own)
        return asked["x0"], asked["x"], asked["t"]

    found = extremes(draw, random_sources(g).values())
    return {f"both generators: {what}": marks.sum(1) for what, marks in found.items()}


rule(
    rare_draws_come_as_often_as_they_should,
    counts(
        ends=(100_000, (0.001, 0.001)), tails=(392_000, (6.3342e-5,)), norms=(98_000, (0.05,) * 20)
    ),
)


@asks("flow_matching_loss")
def draws_do_not_depend_on_the_data(step, g):
    answers = {}
    for name, own in random_sources(g).items():
        x0, y = large_batch(g, 2)
        asked = recorded(step, Recorder(g, 2), x0, y, 0.5, 2, generator=own)
        found = ties(x0, y, *(asked[part] for part in ("x", "t", "labels"))).values()
        answers[f"{name}: pixels"] = torch.stack([m.sum() for m in found if m.ndim == 2])
        answers[f"{name}: samples"] = torch.stack([m.sum() for m in found if m.ndim == 1])
    return answers


rule(
    draws_do_not_depend_on_the_data, counts(pixels=(11_400, (0.5,) * 5), samples=(3800, (0.5,) * 5))
)
