"""What the probes of the samplers have in common: images, and questions about noise that no order of draws changes."""

from collections.abc import Callable

import torch
from torch import Tensor


def images(g: torch.Generator, count: int, shape: tuple[int, ...]) -> Tensor:
    """Images `(count, *shape)` whose pixels leave [-1, 1] more often than not."""
    return 3 * torch.randn(count, *shape, generator=g)


def branch(g: torch.Generator) -> torch.Generator:
    """A generator for the step to draw from: however it does so, the inputs that come from g stay the same."""
    return torch.Generator().manual_seed(int(torch.randint(2**31, (), generator=g)))


def tally(noise: Tensor) -> Tensor:
    """How many numbers lie above 0, within 0.6745 of 0, more than 2 and more than 2.8 away from 0: `(4,)`."""
    size = noise.abs()
    return torch.stack(
        [(noise > 0).sum(), *(part.sum() for part in (size < 0.6745, size > 2, size > 2.8))]
    )


def with_generators(
    draw: Callable[[torch.Generator], Tensor], g: torch.Generator
) -> dict[str, object]:
    """What is drawn with a generator of one seed, twice, and of another; and whether the global one was touched."""
    one, other = branch(g), branch(g)
    again = one.clone_state()
    state = torch.get_rng_state()
    drawn = [draw(source) for source in (one, again, other)]
    touched = not torch.equal(state, torch.get_rng_state())
    return {"first": drawn[0], "again": drawn[1], "other": drawn[2], "global touched": touched}


def with_the_global_one(draw: Callable[[None], Tensor]) -> dict[str, object]:
    """What is drawn from torch's global generator, twice in a row, and again from its first state."""
    state = torch.get_rng_state()
    first, other = draw(None), draw(None)
    torch.set_rng_state(state)
    return {"first": first, "other": other, "again": draw(None)}
