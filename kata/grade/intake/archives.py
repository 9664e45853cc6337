"""Reads single files out of untrusted archives: nothing is believed, every amount has a cap."""

import bz2
import contextlib
import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from kata.grade.intake import caps
from kata.grade.intake.caps import Budget, Unreadable
from kata.grade.intake.programs import unpacked_members, zstd_stream
from kata.grade.intake.tars import CHUNK, Stream, TarMember, tar_members

ENDINGS = re.compile(
    r"(?i)\.(?P<kind>zip|7z|rar|tar|(?:tar\.|t)(?P<packer>gz|bz2?|xz|zst|lzma))(?:\.txt)?$"
)
STARTS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
    *(OSError, ValueError, NotImplementedError, RuntimeError, MemoryError, OverflowError),
    *(struct.error, LookupError),
)

LOCAL_HEADER = 30
"""The least bytes that stand before a file's own in a zip archive."""

CapOf = Callable[[PurePosixPath], int]
"""How many bytes of a file are wanted, by its place; 0 if its name is enough."""


@dataclass(frozen=True)
class Member:
    """A file in an archive: its first bytes, at most cap + 1 of them, or why there are none."""

    place: PurePosixPath
    text: bytes = b""
    problem: str = ""


def archive_ending(name: str) -> str:
    """Return the ending that makes a name an archive's, dot included; "" for other names."""
    match = ENDINGS.search(name)
    return match[0] if match else ""


def archive_members(file: IO[bytes], cap_of: CapOf, budget: Budget) -> Iterator[Member]:
    """Yield what an archive holds; its kind is told by its first bytes.

    Raise Unreadable if the archive is damaged, encrypted, larger than a cap, or climbs out of its
    folder; what was yielded before is good.
    """
    try:
        kind = _kind(file)
        if kind == "zip":
            yield from _zip(file, cap_of, budget)
        elif kind in ("7z", "rar"):
            yield from _members(unpacked_members(file, kind, budget), cap_of, budget)
        else:
            with _unpacking(file, kind, budget) as stream:
                yield from _members(tar_members(stream, budget), cap_of, budget)
    except DAMAGED as error:
        raise Unreadable(f"it is damaged or of an unknown kind ({_reason(error)})") from None


def _reason(error: BaseException) -> str:
    return str(error)[:80] or type(error).__name__


def _kind(file: IO[bytes]) -> str:
    start = file.read(8)
    size = file.seek(0, 2)
    file.seek(0)
    if size > caps.PACKED_CAP:
        raise Unreadable(f"it is larger than {caps.size_of(caps.PACKED_CAP)}")
    kind = next((kind for magic, kind in STARTS if start.startswith(magic)), "tar")
    if kind == "tar" and size < tarfile.BLOCKSIZE:
        raise Unreadable("it is empty" if size == 0 else "it is damaged: no archive is so short")
    return kind


@contextlib.contextmanager
def _unpacking(file: IO[bytes], kind: str, budget: Budget) -> Iterator[Stream]:
    if kind == "zst":
        with zstd_stream(file, budget) as stream:
            yield stream
        return
    openers: dict[str, Callable[[IO[bytes]], Any]] = {
        "gz": lambda f: gzip.GzipFile(fileobj=f),
        "bz2": bz2.BZ2File,
        "xz": lzma.LZMAFile,
    }
    yield openers[kind](file) if kind in openers else file


def _members(members: Iterator[TarMember], cap_of: CapOf, budget: Budget) -> Iterator[Member]:
    for entry in members:
        budget.spend_entry()
        place = _place(entry.name)
        cap = cap_of(place)
        if entry.kind == "file":
            yield Member(place, entry.read(cap + 1) if cap else b"")
        elif cap:
            yield Member(place, problem=f"it is a {_in_words(entry.kind)}, not a file")


def _in_words(kind: str) -> str:
    return kind if kind in ("link", "folder") else "special file"


def _zip(file: IO[bytes], cap_of: CapOf, budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(_Guarded(file)) as archive:
        entries = archive.infolist()
        for _ in entries:
            budget.spend_entry()
        places = [_place(entry.filename) for entry in entries]
        _check_overlap(entries)
        for place, entry in zip(places, entries, strict=True):
            cap = cap_of(place)
            if not cap:
                if not entry.is_dir():
                    yield Member(place)
            elif stat.S_ISLNK(entry.external_attr >> 16):
                yield Member(place, problem="it is a link, not a file")
            elif entry.is_dir():
                yield Member(place, problem="it is a folder, not a file")
            elif entry.flag_bits & 1:
                yield Member(place, problem="it is encrypted")
            else:
                yield _zipped(archive, entry, place, cap, budget)
        if sum(entry.file_size for entry in entries) > caps.UNPACKED_CAP:
            raise Unreadable(f"it would unpack to more than {caps.UNPACKED_CAP >> 20} MB")


def _zipped(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: PurePosixPath, cap: int, budget: Budget
) -> Member:
    parts, left = [], cap + 1
    try:
        with archive.open(entry) as file:
            while left and (part := file.read(min(left, CHUNK))):
                budget.spend_bytes(len(part))
                parts.append(part)
                left -= len(part)
    except DAMAGED as error:
        return Member(place, problem=f"it is damaged ({_reason(error)})")
    return Member(place, b"".join(parts))


def _check_overlap(entries: list[zipfile.ZipInfo]) -> None:
    """Raise Unreadable if two files share bytes: so a small archive can hold a great deal."""
    end = 0
    for entry in sorted(entries, key=lambda e: e.header_offset):
        if entry.header_offset < end:
            raise Unreadable("files in it overlap, as in a bomb")
        end = entry.header_offset + LOCAL_HEADER + entry.compress_size


class _Guarded:
    """A file that gives at most LISTING_CAP bytes at once: so long may a list of files be."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self._read = file.read

    def read(self, count: int = -1) -> bytes:
        text = self._read(min(count, caps.LISTING_CAP) if count >= 0 else caps.LISTING_CAP)
        if len(text) == caps.LISTING_CAP:
            raise Unreadable(f"its list of files is larger than {caps.size_of(caps.LISTING_CAP)}")
        return text


def _place(name: str) -> PurePosixPath:
    place = PurePosixPath(name.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or re.match(r"^[A-Za-z]:", name):
        raise Unreadable(f"it climbs out of its folder: {name[:80]!r}")
    return place
