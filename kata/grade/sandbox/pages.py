"""Huge pages: a fork copies the table of a process's pages, so a process of few forks fast."""

import contextlib
import ctypes
from pathlib import Path

HUGE_PAGE = 2 << 20
COLLAPSE = 25


def join_pages() -> None:
    """Join this process's own memory into huge pages; where that fails, all stays as it is."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        madvise = ctypes.CDLL(None).madvise
        for line in Path("/proc/self/maps").read_text(errors="replace").splitlines():
            addresses, access, *_, name = [*line.split(maxsplit=5), ""][:6]
            if "w" in access and name in ("", "[heap]"):
                start, end = (int(address, 16) for address in addresses.split("-"))
                start, end = -(-start // HUGE_PAGE) * HUGE_PAGE, end // HUGE_PAGE * HUGE_PAGE
                if start < end:
                    madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), COLLAPSE)
