"""How much of what was handed in is read. Every amount has a cap, headers and lists included."""

import time

ENTRIES_CAP = 20_000
"""How many files and folders of one submission are looked at."""

PACKED_CAP = 256 << 20
"""The bytes of an archive that is opened."""

NESTED_CAP = 32 << 20
"""The bytes of an archive inside an archive, which is held in memory."""

UNPACKED_CAP = 256 << 20
"""The bytes that are read from one submission, unpacked."""

HEADER_CAP = 64 << 10
"""The bytes of one long name, or of one block of extra fields, in a tar archive."""

LISTING_CAP = 4 << 20
"""The bytes of the list of files at the end of a zip archive."""

FILE_CAP = 256 << 10
"""The bytes of a step's file."""

NOTEBOOK_CAP = 4 << 20
"""The bytes of a notebook, outputs included."""

DEPTH_CAP = 16
"""How many folders deep a file may lie."""

NEST_CAP = 3
"""How many archives may lie in each other."""

SECONDS_CAP = 30.0
"""How long one submission may take to unpack."""


class Unreadable(Exception):
    """Something that was handed in cannot be read; the message is a clause that says why."""


class Budget:
    """What is left of the caps on one submission. Its methods raise Unreadable at a cap."""

    def __init__(self) -> None:
        self.entries = self.bytes = 0
        self.until = time.monotonic() + SECONDS_CAP

    def spend_entry(self) -> None:
        """Count one more file or folder."""
        self.entries += 1
        if self.entries > ENTRIES_CAP:
            raise Unreadable(f"it holds more than {ENTRIES_CAP:,} files")
        self.check_time()

    def spend_bytes(self, count: int) -> None:
        """Count bytes that were read, or are about to be."""
        self.bytes += count
        if self.bytes > UNPACKED_CAP:
            raise Unreadable(f"it would unpack to more than {UNPACKED_CAP >> 20} MB")
        self.check_time()

    def check_time(self) -> None:
        """Raise Unreadable if the time is up."""
        if self.seconds_left() <= 0:
            raise Unreadable(f"it takes longer than {SECONDS_CAP:.0f} s to unpack")

    def seconds_left(self) -> float:
        """Return the time that is left, in seconds; negative if it is up."""
        return self.until - time.monotonic()


def size_of(cap: int) -> str:
    """Return a cap in words, such as 256 kB."""
    return f"{cap >> 20} MB" if cap >= 1 << 20 else f"{cap >> 10} kB"
