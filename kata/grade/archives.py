"""Read single files out of untrusted archives: nothing is unpacked, every amount has a cap."""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

ENTRIES_CAP = 20_000
PACKED_CAP = 256 << 20
UNPACKED_CAP = 512 << 20

Wanted = Callable[[PurePosixPath], bool]


class ArchiveError(Exception):
    """The submission cannot be read; the message says why."""


def is_archive(path: Path) -> bool:
    """Return whether a path is a file with an archive's name."""
    return bool(re.search(r"(?i)\.(zip|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$", path.name)) and (
        path.is_file() and not path.is_symlink()
    )


def members(path: Path, wanted: Wanted, cap: int) -> Iterator[tuple[str, bytes | str]]:
    """Yield an archive's wanted files: place, and at most cap + 1 bytes, or why there are none.

    Raise ArchiveError if the archive is damaged, a bomb, or climbs out of its folder.
    """
    if path.stat().st_size > PACKED_CAP:
        raise ArchiveError(f"the archive is larger than {PACKED_CAP >> 20} MB")
    try:
        yield from (_zip if path.suffix.lower() == ".zip" else _tar)(path, wanted, cap)
    except (
        *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
        *(OSError, ValueError, NotImplementedError, RuntimeError, MemoryError),
    ) as error:
        raise ArchiveError(f"the archive is damaged or of an unknown kind: {error}") from None


def _zip(path: Path, wanted: Wanted, cap: int) -> Iterator[tuple[str, bytes | str]]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > ENTRIES_CAP:
            raise ArchiveError(f"the archive holds more than {ENTRIES_CAP:,} files")
        if sum(entry.file_size for entry in entries) > UNPACKED_CAP:
            raise ArchiveError(f"the archive would unpack to more than {UNPACKED_CAP >> 20} MB")
        for entry in entries:
            place = _place(entry.filename)
            kind = entry.external_attr >> 16
            if not wanted(place):
                continue
            if stat.S_ISLNK(kind):
                yield str(place), "it is a link, not a file"
            elif entry.is_dir():
                yield str(place), "it is a folder, not a file"
            elif entry.flag_bits & 1:
                yield str(place), "it is encrypted"
            else:
                with archive.open(entry) as file:
                    yield str(place), file.read(cap + 1)


def _tar(path: Path, wanted: Wanted, cap: int) -> Iterator[tuple[str, bytes | str]]:
    with path.open("rb") as packed:
        stream = _Capped(_unpacking(packed))
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            for count, entry in enumerate(archive):
                if count >= ENTRIES_CAP:
                    raise ArchiveError(f"the archive holds more than {ENTRIES_CAP:,} files")
                place = _place(entry.name)
                if not wanted(place):
                    continue
                file = archive.extractfile(entry) if entry.isreg() else None
                if file is not None:
                    yield str(place), file.read(cap + 1)
                else:
                    link = entry.issym() or entry.islnk()
                    yield str(place), f"it is a {'link' if link else 'folder'}, not a file"


def _unpacking(packed: io.BufferedReader) -> Any:
    start = packed.peek(6)[:6]
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=packed)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    return lzma.LZMAFile(packed) if start.startswith(b"\xfd7zXZ") else packed


class _Capped:
    """A stream that raises an error after more bytes than any honest archive holds."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.left = stream, UNPACKED_CAP

    def read(self, count: int) -> bytes:
        self.left -= count
        if self.left < 0:
            raise ArchiveError(f"the archive would unpack to more than {UNPACKED_CAP >> 20} MB")
        return self.stream.read(count)


def _place(name: str) -> PurePosixPath:
    place = PurePosixPath(name.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or re.match(r"^[A-Za-z]:", name):
        raise ArchiveError(f"the archive climbs out of its folder: {name[:80]!r}")
    return place
