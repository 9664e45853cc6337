"""Checks that a generator, or torch's global one, decides what is drawn."""

from collections.abc import Mapping
from typing import Any

import torch

from kata.testing.assertions import check_close, check_tensor, check_that


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
