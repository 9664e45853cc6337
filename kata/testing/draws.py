"""Checks that a generator, or torch's global one, decides what is drawn."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from kata.testing.assertions import check_close, check_count, check_tensor, check_that
from kata.testing.bounds import noise_shares

NORMAL = (
    "above 0",
    "within 0.6745 of 0",
    "more than 2 away from 0",
    "more than 2.8 away from 0",
)
NOISE_WORDS = {
    "numbers": ("numbers of the noise are", NORMAL),
    "tails": ("numbers of the noise are", ("more than 3.2 away from 0", "more than 4 away from 0")),
    "sums over samples": ("sums of a pixel over the N samples, divided by √N, are", NORMAL),
    "sums over pixels": ("sums of a sample over its D pixels, divided by √D, are", NORMAL),
    "squared lengths": ("squared lengths of a sample are", ("within 0.6745 √(2 D) of D",)),
}
"""What `noise_counts` of the criteria counts, in words."""


def check_noise(
    counts: Mapping[str, Tensor], count: int, pixels: int, *, called: str, hint: str = ""
) -> None:
    """Fail unless these `noise_counts` are those of independent numbers from N(0, 1).

    A correct answer fails once in 10^9 runs. count, pixels: the noise has so many samples and
    pixels per sample.
    """
    __tracebackhide__ = True
    for name, (trials, shares) in noise_shares(count, pixels).items():
        what, places = NOISE_WORDS[name]
        for number, share, place in zip(counts[name], shares, places, strict=True):
            check_count(
                number,
                trials,
                share,
                called=called,
                what=f"{what} {place}",
                must=f"the noise is drawn from N(0, 1), each number on its own, so {share:.2%} are",
                hint=hint,
                parts=len(shares) * len(NOISE_WORDS),
            )


def check_draws(
    drawn: Mapping[str, Any], shape: tuple[int, ...], *, called: str, hint: str = ""
) -> None:
    """Fail unless the same seed gives the same images, and another seed gives others.

    drawn: the images `first`, `again` from the same seed, and `other`, all of one shape; and, if
    they come from a generator, whether torch's global generator changed (`global touched`).
    """
    __tracebackhide__ = True
    own = "global touched" in drawn
    check_tensor(drawn["first"], shape, called=called, must="it returns the images")
    check_close(
        drawn["again"],
        drawn["first"],
        called=f"{called} twice, "
        + ("with the same seed" if own else "from the same state of torch's global generator"),
        must="the same seed gives the same images"
        if own
        else "without a generator the noise comes from torch's global one, so the images are the same",
        hint=hint,
    )
    check_that(
        not torch.equal(drawn["first"], drawn["other"]),
        called=f"{called} with two different seeds" if own else f"{called} twice in a row",
        got="returned the same images",
        must="the generator decides the noise"
        if own
        else "the second call draws new noise, and nothing seeds the global generator",
        hint=hint,
    )
    check_that(
        not drawn.get("global touched"),
        called=called,
        got="changed the state of torch's global generator",
        must="if a generator is given, the global one is neither used nor seeded",
        hint="no torch.manual_seed() here; give every draw generator=generator",
    )
