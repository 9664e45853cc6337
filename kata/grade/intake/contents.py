"""What one upload holds: the files of a folder, and of archives in it, read as far as needed."""

import io
import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from kata.grade.intake import caps
from kata.grade.intake.archives import archive_members
from kata.grade.intake.caps import Budget, Unreadable
from kata.grade.intake.names import is_litter
from kata.grade.intake.stems import Named, read_file_name

SKIPPED = {
    *(".git", "__pycache__", "__MACOSX", "node_modules", "site-packages", ".venv", "venv"),
    *(".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints"),
}
"""Folders that nobody wrote by hand: what lies in them is not looked at."""


@dataclass(frozen=True)
class Found:
    """A file of a submission. problem: why it has no text, though its name asks for it."""

    place: PurePosixPath
    text: bytes = b""
    problem: str = ""
    upload: int = 0
    named: Named = field(default_factory=lambda: Named("other"))


def contents(path: Path, name: str, budget: Budget) -> Iterator[Found]:
    """Yield the files that lie at a path; `name` is what its person called it.

    Nothing is raised for what was handed in: a file that cannot be read has a problem, and so has
    an archive, in which what could be read before is found as well.
    """
    place = PurePosixPath(name)
    try:
        os.lstat(path)
        if path.is_symlink():
            yield _found(place, problem="it is a link to elsewhere; hand in the folder itself")
        elif path.is_dir():
            yield from _folder(path, budget)
        else:
            yield from _file(path, place, budget)
    except Unreadable as error:
        yield Found(place, problem=str(error), named=Named("archive"))
    except OSError as error:
        why = f"it cannot be read: {error.strerror or error}"
        yield Found(place, problem=why, named=Named("archive"))


def _found(place: PurePosixPath, text: bytes = b"", problem: str = "") -> Found:
    return Found(place, text, problem, named=read_file_name(place.name))


def _cap(named: Named) -> int:
    """How many bytes of a file are read, by what its name says; 0 for none."""
    if named.role == "step":
        return caps.FILE_CAP
    return {"notebook": caps.NOTEBOOK_CAP, "archive": caps.NESTED_CAP}.get(named.role, 0)


def _cap_at(place: PurePosixPath) -> int:
    if _is_passed_over(place) or len(place.parts) > caps.DEPTH_CAP:
        return 0
    return _cap(read_file_name(place.name))


def _is_passed_over(place: PurePosixPath) -> bool:
    return is_litter(place.name) or not SKIPPED.isdisjoint(place.parts[:-1])


def _folder(folder: Path, budget: Budget) -> Iterator[Found]:
    """The files below a folder, those near its top first; no link is followed."""
    waiting = deque([(folder, PurePosixPath())])
    while waiting:
        path, place = waiting.popleft()
        try:
            with os.scandir(path) as entries:
                found = sorted(_counted(entries, budget), key=lambda e: os.fsencode(e.name))
        except OSError as error:
            if path == folder:
                raise
            yield Found(
                place, problem=f"it cannot be read: {error.strerror}", named=Named("archive")
            )
            continue
        if any(entry.name == "pyvenv.cfg" for entry in found):
            continue
        for entry in found:
            inner = place / entry.name
            if is_litter(entry.name):
                continue
            named = read_file_name(entry.name)
            if entry.is_symlink():
                yield _found(inner, problem="it is a link, not a file")
            elif not entry.is_dir(follow_symlinks=False):
                yield from _file(Path(entry.path), inner, budget)
            elif named.role == "step" and named.exact:
                yield _found(inner, problem="it is a folder, not a file")
            elif entry.name not in SKIPPED:
                if len(inner.parts) >= caps.DEPTH_CAP:
                    yield Found(inner, problem="it lies too deep", named=Named("archive"))
                else:
                    waiting.append((Path(entry.path), inner))


def _counted(entries: Iterator[os.DirEntry[str]], budget: Budget) -> Iterator[os.DirEntry[str]]:
    for entry in entries:
        budget.spend_entry()
        yield entry


def _file(path: Path, place: PurePosixPath, budget: Budget) -> Iterator[Found]:
    named = read_file_name(place.name)
    if not _cap(named):
        yield _found(place)
        return
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        yield _found(place, problem=f"it cannot be read: {error.strerror}")
        return
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            yield _found(place, problem="it is no regular file")
        elif named.role == "archive":
            yield from _archive(file, place, budget, 1)
        else:
            text = file.read(_cap(named) + 1)
            budget.spend_bytes(len(text))
            yield _checked(place, text)


def _archive(file: IO[bytes], place: PurePosixPath, budget: Budget, nest: int) -> Iterator[Found]:
    """The files in an archive, below its place: an archive is a folder to whoever made it."""
    is_empty = True
    try:
        for member in archive_members(file, _cap_at, budget):
            inner, is_empty = member.place, False
            if _is_passed_over(inner):
                continue
            named = read_file_name(inner.name)
            below = place / inner
            if member.problem:
                yield Found(below, problem=member.problem, named=named)
            elif named.role != "archive":
                yield _checked(below, member.text)
            elif len(member.text) > caps.NESTED_CAP:
                why = f"it is larger than {caps.size_of(caps.NESTED_CAP)}"
                yield Found(below, problem=why, named=named)
            elif nest >= caps.NEST_CAP:
                why = f"more than {caps.NEST_CAP} archives lie in each other"
                yield Found(below, problem=why, named=named)
            else:
                yield from _archive(io.BytesIO(member.text), below, budget, nest + 1)
        if is_empty:
            raise Unreadable("it holds no files")
    except Unreadable as error:
        yield Found(place, problem=str(error), named=Named("archive"))


def _checked(place: PurePosixPath, text: bytes) -> Found:
    cap = _cap(read_file_name(place.name))
    if len(text) > cap > 0:
        return _found(place, problem=f"it is larger than {caps.size_of(cap)}")
    return _found(place, text)
