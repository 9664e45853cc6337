"""Reads a tar archive as a stream, block by block: no header is believed, none is kept."""

import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kata.grade.intake import caps
from kata.grade.intake.caps import Budget, Unreadable

BLOCK = tarfile.BLOCKSIZE
CHUNK = 1 << 16
EXTENSIONS = {tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE}
PAX = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}


class Stream(Protocol):
    """Bytes that come one after another."""

    def read(self, count: int, /) -> bytes: ...


@dataclass(frozen=True)
class TarMember:
    """An entry of an archive. kind: "file", "folder", "link" or "other"; read: its first bytes."""

    name: str
    kind: str
    read: Callable[[int], bytes]


def tar_members(stream: Stream, budget: Budget) -> Iterator[TarMember]:
    """Yield the entries of an archive; each can be read until the next one is asked for.

    Raise Unreadable if the archive is damaged, cut off or larger than a cap.
    """
    name, size = "", None
    while any(block := _exactly(stream, BLOCK, budget)):
        head = _header(block)
        if head.type in PAX or head.type in EXTENSIONS or head.type == tarfile.GNUTYPE_LONGNAME:
            if head.size > caps.HEADER_CAP:
                raise Unreadable(f"a header in it is larger than {caps.size_of(caps.HEADER_CAP)}")
            text = _exactly(stream, _padded(head.size), budget)[: head.size]
            if head.type in PAX:
                fields = _pax(text)
                name, size = fields.get("path", name), _number(fields.get("size"), size)
            elif head.type == tarfile.GNUTYPE_LONGNAME:
                name = text.rstrip(b"\0").decode("utf-8", "surrogateescape")
            continue
        if head.type == tarfile.GNUTYPE_SPARSE:
            raise Unreadable("it holds a sparse file: make it without --sparse")
        body = _Body(stream, head.size if size is None else size, budget)
        yield TarMember(name or head.name, _kind(head), body.read)
        body.skip()
        name, size = "", None


class _Body:
    """The bytes of one entry, and the padding after them."""

    def __init__(self, stream: Stream, size: int, budget: Budget) -> None:
        if size < 0:
            raise Unreadable("it is damaged: a file in it has a negative size")
        self.stream, self.budget = stream, budget
        self.left, self.padding = size, _padded(size) - size

    def read(self, count: int) -> bytes:
        count = min(count, self.left)
        self.left -= count
        return _exactly(self.stream, count, self.budget)

    def skip(self) -> None:
        while self.left:
            self.read(CHUNK)
        _exactly(self.stream, self.padding, self.budget)


def _exactly(stream: Stream, count: int, budget: Budget) -> bytes:
    budget.spend_bytes(count)
    parts = []
    while count:
        part = stream.read(min(count, CHUNK))
        if not part:
            raise Unreadable("it is cut off")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        raise Unreadable("it is damaged, or no tar archive") from None


def _kind(head: tarfile.TarInfo) -> str:
    if head.issym() or head.islnk():
        return "link"
    return "file" if head.isreg() else "folder" if head.isdir() else "other"


def _pax(text: bytes) -> dict[str, str]:
    """The fields of an extended header: lines of a length, a key and a value."""
    fields, at = {}, 0
    while match := re.compile(rb"(\d{1,6}) ([^=]{1,100})=").match(text, at):
        end = at + int(match[1])
        if end <= match.end() or end > len(text):
            break
        value = text[match.end() : end - 1]
        fields[match[2].decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at = end
    return fields


def _number(text: str | None, default: int | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else default


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
