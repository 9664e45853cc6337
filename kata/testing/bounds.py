"""Exact bounds for random counts: a correct answer fails at most once in 10^9 runs."""

import math
import os
from functools import cache

import torch
from hypothesis import strategies as st

FALSE_ALARM = 1e-9
"""The probability that a statistical test fails a correct answer."""


@cache
def binomial_bounds(
    trials: int, probability: float, false_alarm: float = FALSE_ALARM
) -> tuple[int, int]:
    """Return the narrowest counts (low, high) that Binomial(trials, probability) rarely leaves.

    false_alarm: the probability of a count outside, at most half of it on each side. The tails are
    summed exactly, term by term.
    """
    if not 0 < probability < 1:
        count = round(trials * probability)
        return count, count

    def log_mass(count: int) -> float:
        ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
        return ways + count * math.log(probability) + (trials - count) * math.log1p(-probability)

    def bound(counts: range) -> int:
        tail = 0.0
        for count in counts:
            tail += math.exp(log_mass(count))
            if tail > false_alarm / 2:
                return count
        return counts[-1]

    # Further than this from the mean the mass is far below anything that false_alarm could notice.
    mean, reach = (
        trials * probability,
        20 + 12 * math.sqrt(trials * probability * (1 - probability)),
    )
    first, last = max(0, int(mean - reach)), min(trials, int(mean + reach))
    return bound(range(first, last + 1)), bound(range(last, first - 1, -1))


@cache
def noise_shares(count: int, pixels: int) -> dict[str, tuple[int, tuple[float, ...]]]:
    """Return trials and exact shares of what `kata.criteria.questions.noise_counts` counts.

    The noise has `count` samples of so many pixels, all independent and N(0, 1). Then a sum over n
    of them, divided by √n, is N(0, 1) too, and the squared length of a sample is chi-squared.
    """

    def beyond(z: float) -> float:
        return math.erfc(z / 2**0.5)

    def shorter(square: float) -> float:
        half = torch.tensor([pixels / 2, square / 2], dtype=torch.float64)
        return float(torch.special.gammainc(half[0], half[1]))

    reach = 0.6745 * (2 * pixels) ** 0.5
    normal = (0.5, 1 - beyond(0.6745), beyond(2), beyond(2.8))
    return {
        "numbers": (count * pixels, normal),
        "tails": (count * pixels, (beyond(3.2), beyond(4))),
        "sums over samples": (pixels, normal),
        "sums over pixels": (count, normal),
        "squared lengths": (count, (shorter(pixels + reach) - shorter(pixels - reach),)),
    }


def fresh_seed() -> int:
    """Seed torch's global generator anew; print the seed, so that a failure can be repeated."""
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    torch.manual_seed(seed)
    return seed


def generator(seed: int) -> torch.Generator:
    """Return a new generator on the CPU with that seed."""
    return torch.Generator().manual_seed(seed)


SEEDS = st.integers(0, 2**31 - 1)
"""Seeds, from which a test makes generators: one registered with hypothesis would repeat itself."""
