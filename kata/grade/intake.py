"""Intake: what was handed in, as the texts of the step files. No other file is read."""

import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kata.course import KataError
from kata.course.steps import STEPS
from kata.grade.archives import ArchiveError, is_archive, members

FILE_CAP = 256 * 1024
FILES_CAP = 20_000
DEPTH_CAP = 4
PASSED_OVER = {
    "solutions",
    "tests",
    "kata",
    "checkpoints",
    "__MACOSX",
    "__pycache__",
    "node_modules",
}
STEM = re.compile(
    r"^(?P<before>.*?)(?P<step>" + "|".join(s.name for s in STEPS) + r")"
    r"(?:[-_ ]?\(?(?P<again>\d{1,3})\)?)?\.py$",
    re.IGNORECASE,
)
UPLOAD = re.compile(
    r"^(?P<who>.+?)_(?:LATE_)?(?P<ids>\d+(?:_\d+)*)_(?:assignsubmission_file_)?(?:.*[-_ ])?$"
)
FOLDER = re.compile(r"^(?P<who>.+?)_(?P<ids>\d+)_assignsubmission_file_?$")
LATE = re.compile(r"(?:^|_)LATE(?:_|$)")


class IntakeError(KataError):
    """There is nothing to grade, or nothing says whose it is; the message says what to do."""


@dataclass(frozen=True)
class Submission:
    """One learner's texts and problems by step number; refused: why nothing could be read."""

    name: str
    files: Mapping[int, bytes] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    refused: str = ""
    late: bool = False


@dataclass(frozen=True)
class Source:
    """Where a submission lies: a folder, an archive, or one learner's files among everybody's."""

    name: str
    paths: tuple[Path, ...]
    late: bool = False

    def read(self) -> Submission:
        """Return the submission; never raise for what was handed in."""
        try:
            found = list(self._found())
        except ArchiveError as error:
            return Submission(self.name, refused=str(error), late=self.late)
        except OSError as error:
            why = f"it cannot be read: {error.strerror or error}"
            return Submission(self.name, refused=why, late=self.late)
        return _sorted_out(self.name, found, self.late)

    def _found(self) -> Iterator["_Found"]:
        for path in self.paths:
            if path.is_symlink():
                yield from _link(path)
            elif path.is_dir():
                yield from _walk(path, PurePosixPath())
            elif is_archive(path):
                for name, text in members(path, _wanted, FILE_CAP):
                    yield _Found(PurePosixPath(name), *_checked(text))
            elif not path.exists():
                raise ArchiveError("it is not there any more")
            else:
                yield _Found(PurePosixPath(path.name), *_checked(_read(path)))


@dataclass(frozen=True)
class _Found:
    place: PurePosixPath
    text: bytes = b""
    problem: str = ""

    @property
    def match(self) -> re.Match[str] | None:
        return _match(self.place.name)

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Sorts the intended file first: in `exercises/`, near the top, uploaded last."""
        again = self.match["again"] if self.match else None
        folders = [part.lower() for part in self.place.parts[:-1]]
        return "exercises" not in folders, len(folders), -int(again or 0)


def sources(folder: Path) -> list[Source]:
    """Return the submissions in a folder of folders, archives, or a platform's files, by name.

    Raise IntakeError if the folder cannot be read, holds no submission, or two of one name.
    """
    try:
        entries = sorted(folder.iterdir(), key=lambda p: os.fsencode(p.name))
    except OSError as error:
        raise IntakeError(
            f"{folder} cannot be read: {error.strerror}. Name a folder that holds one folder or archive "
            "per submission."
        ) from None
    entries = [p for p in entries if not p.name.startswith(".") and p.name not in PASSED_OVER]
    if _is_one(entries):
        return [Source(folder.resolve().name or "submission", (folder,))]
    found = [Source(*_owner(p)) for p in entries if p.is_dir() or p.is_symlink() or is_archive(p)]
    found += _uploads(p for p in entries if not p.is_dir() and not p.is_symlink())
    if not found:
        raise IntakeError(
            f"{folder} holds no submissions: each must be a folder or an archive (zip, tar) with some of the "
            f"files {STEPS[0].file} to {STEPS[-1].file}."
        )
    by_name = defaultdict(list)
    for source in found:
        by_name[unicodedata.normalize("NFC", source.name).casefold()].append(source)
    for same in by_name.values():
        if len(same) > 1:
            places = ", ".join(printable(p.name) for source in same for p in source.paths[:1])
            raise IntakeError(
                f"There are two submissions named {printable(same[0].name)} ({places}): rename or remove one."
            )
    return sorted(found, key=lambda source: source.name.casefold())


def printable(name: str) -> str:
    """Return a name as it may be shown: control characters and broken text become escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in name
    )


def _is_one(entries: list[Path]) -> bool:
    """Whether a folder is itself one submission: it holds a step's file, or `exercises/`."""
    names = {s.file for s in STEPS}
    return any(p.name in names and not p.is_dir() for p in entries) or any(
        p.name == "exercises" and p.is_dir() for p in entries
    )


def _owner(path: Path) -> tuple[str, tuple[Path, ...], bool]:
    name = path.name
    if is_archive(path):
        name = re.sub(r"(?i)(\.tar)?\.(zip|tar|tgz|tbz2|txz|gz|bz2|xz)$", "", name)
    late = bool(LATE.search(name))
    if match := FOLDER.match(name) or (UPLOAD.match(f"{name}_") if is_archive(path) else None):
        return f"{match['who']} {match['ids'].partition('_')[0]}", (path,), late
    return name, (path,), late


def _uploads(files: Iterator[Path]) -> list[Source]:
    """Files like `lee_12345_678_step03_guidance-1.py`, grouped by owner."""
    owned: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        match = _match(path.name)
        owner = UPLOAD.match(match["before"]) if match else None
        if owner:
            owned[f"{owner['who']} {owner['ids'].partition('_')[0]}"].append(path)
    return [
        Source(name, tuple(paths), any(LATE.search(p.name) for p in paths))
        for name, paths in owned.items()
    ]


def _match(name: str) -> re.Match[str] | None:
    """The parts of a step's file name; None for other names, tests among them."""
    match = STEM.match(name)
    if match is None or re.search(r"(?i)(^|[^a-z])test_$", match["before"]):
        return None
    return match if not match["before"] or not match["before"][-1].isalnum() else None


def _wanted(place: PurePosixPath) -> bool:
    """Whether a file is read at all, by its folder and its name."""
    folders = place.parts[:-1]
    return (
        len(folders) <= DEPTH_CAP
        and not any(part in PASSED_OVER or part.startswith(".") for part in folders)
        and not place.name.startswith(".")
        and _match(place.name) is not None
    )


def _walk(folder: Path, place: PurePosixPath) -> Iterator[_Found]:
    with os.scandir(folder) as entries:
        for count, entry in enumerate(sorted(entries, key=lambda e: os.fsencode(e.name))):
            if count >= FILES_CAP:
                raise ArchiveError(f"it holds more than {FILES_CAP:,} files in one folder")
            inner = place / entry.name
            if entry.is_symlink():
                if _wanted(inner):
                    yield from _link(inner)
            elif entry.is_dir(follow_symlinks=False):
                if _wanted(inner):
                    yield _Found(inner, problem="it is a folder, not a file")
                elif len(inner.parts) <= DEPTH_CAP and _wanted(inner / STEPS[0].file):
                    yield from _walk(Path(entry.path), inner)
            elif _wanted(inner):
                yield _Found(inner, *_checked(_read(Path(entry.path))))


def _link(place: Path | PurePosixPath) -> Iterator[_Found]:
    if _match(place.name) is None:
        raise ArchiveError("it is a link to elsewhere; hand in the folder itself")
    yield _Found(PurePosixPath(place.name), problem="it is a link, not a file")


def _read(path: Path) -> bytes | str:
    """A file's bytes up to the cap, or why it is not read."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return "it is no regular file"
        return file.read(FILE_CAP + 1)


def _checked(text: bytes | str) -> tuple[bytes, str]:
    if isinstance(text, str):
        return b"", text
    if len(text) > FILE_CAP:
        return b"", f"it is larger than {FILE_CAP // 1024} kB"
    return text, ""


def _sorted_out(name: str, found: list[_Found], late: bool) -> Submission:
    """Of several files per step, the intended one, or a problem if nothing tells which it is."""
    by_step: dict[int, list[_Found]] = defaultdict(list)
    for one in found:
        if one.match:
            stem = one.match["step"].lower()
            by_step[next(s.number for s in STEPS if s.name == stem)].append(one)
    files, problems = {}, {}
    for number, candidates in sorted(by_step.items()):
        best = min(one.rank for one in candidates)
        same = [one for one in candidates if one.rank == best]
        if len({one.text for one in same}) > 1:
            places = " and ".join(printable(str(one.place)) for one in same)
            problems[number] = f"it was handed in more than once, with different texts: {places}"
        elif same[0].problem:
            problems[number] = same[0].problem
        else:
            files[number] = same[0].text
    return Submission(name, files, problems, late=late)
