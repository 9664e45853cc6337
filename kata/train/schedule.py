"""What changes from step to step, without state: the learning rate, and derived seeds."""

import hashlib
import math


def derived(seed: int, *place: int | str) -> int:
    """Return a seed, 0 .. 2 ** 63 - 1, for one place in a run, such as ("order", epoch)."""
    digest = hashlib.blake2b(repr((seed, *place)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def learning_rate(round_: int, rounds: int, peak: float, warmup: int) -> float:
    """Return the rate of a round, from 0 on: linear warm-up, then a cosine that ends near 0."""
    rise = min(1.0, (round_ + 0.5) / warmup) if warmup else 1.0
    return peak * rise * 0.5 * (1 + math.cos(math.pi * round_ / rounds))
