"""Seeds that are derived from seeds, so that no state of a generator has to be kept."""

import hashlib


def derived(seed: int, *place: int | str) -> int:
    """A seed, 0 .. 2 ** 63 - 1, for one place in a run, such as ("order", epoch): the same for the same arguments."""
    digest = hashlib.blake2b(repr((seed, *place)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
