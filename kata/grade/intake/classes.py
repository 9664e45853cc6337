"""A class: every entry of its folder is somebody's, or is named among what was not taken."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kata.course import KataError
from kata.course.files import find_root
from kata.course.steps import GRADED_STEPS, Step
from kata.grade.intake.archives import archive_ending
from kata.grade.intake.caps import FILE_CAP, Budget
from kata.grade.intake.contents import contents
from kata.grade.intake.names import is_litter, listed, printable, shown_name
from kata.grade.intake.readers import OF_PLATFORMS, PLATFORMS, TITLES, Owners, class_reader
from kata.grade.intake.sources import Source, joined, with_own_names
from kata.grade.intake.stems import read_file_name
from kata.grade.intake.texts import untouched
from kata.grade.intake.uploads import Entry, Upload, read_start

COURSE_FOLDERS = {
    *("exercises", "solutions", "tests", "kata", "checkpoints", "node_modules", "__pycache__"),
    *("handout", "starter", "template", "cfg-kata", "cfg-kata-main"),
}
"""Names that are a person's only if a step's file that was worked on lies there."""

PLAINLY_NAMED = {"moodle", "blackboard", "brightspace", "gradescope"}
"""Platforms whose names cannot be taken for something else."""


class IntakeError(KataError):
    """There is nothing to grade, or nothing says whose it is; the message says what to do."""


@dataclass(frozen=True)
class Left:
    """An entry that was seen and not taken, and why, in a clause."""

    place: str
    why: str


@dataclass(frozen=True)
class ClassFolder:
    """A class that was handed in. platform: the one of most submissions; left: what is nobody's."""

    platform: str
    sources: tuple[Source, ...]
    left: tuple[Left, ...] = ()


def read_class(folder: Path, platform: str = "auto") -> ClassFolder:
    """Return whose the entries of a folder are: folders, archives, or a platform's files.

    platform: one of PLATFORMS, whose names alone are read then, or "auto". Raise IntakeError if the
    platform is unknown, or if the folder cannot be read or holds no submission.
    """
    if platform not in ("auto", *PLATFORMS):
        raise IntakeError(f"There is no platform {platform!r}: say {', '.join(PLATFORMS)} or auto.")
    entries, left = _entries(folder)
    owners, more = class_reader(folder, entries, platform)
    if platform in ("auto", "gradescope") and (inner := _wrapped(entries, owners)):
        return read_class(inner, platform)
    if platform in ("auto", "folders") and _is_one(entries, owners):
        return ClassFolder("folders", (_alone(folder),))
    if len(entries) == 1 and _is_download(entries[0]):
        raise IntakeError(
            f"{printable(entries[0].name)} holds the files of several people: unpack it, and name the folder."
        )
    uploads = []
    for entry in entries:
        own, why = _owned(entry, owners, platform)
        uploads += own
        left += [Left(printable(entry.name), why)] if why else []
    if not uploads:
        seen = f" Seen and not taken: {listed(one.place for one in left)}." if left else ""
        raise IntakeError(
            f"{printable(str(folder))} holds no submissions: each must be a folder or an archive with some "
            f"of the files {GRADED_STEPS[0].file} to {GRADED_STEPS[-1].file}, "
            f"or have a name that a platform gives.{seen}"
        )
    by_key = defaultdict(list)
    for upload in uploads:
        by_key[upload.key].append(upload)
    platforms = [own[0].platform for own in by_key.values()]
    most = max(PLATFORMS, key=platforms.count)
    sources = with_own_names([joined(own) for own in by_key.values()])
    left += [Left(printable(place), why) for place, why in more]
    return ClassFolder(most, tuple(sources), tuple(left))


def _entries(folder: Path) -> tuple[list[Entry], list[Left]]:
    """What lies in a folder, and what of it can be nobody's."""
    try:
        with os.scandir(folder) as found:
            listing = sorted(found, key=lambda e: os.fsencode(e.name))
    except OSError as error:
        do = "unpack it first" if archive_ending(folder.name) else "name another"
        raise IntakeError(
            f"{printable(str(folder))} cannot be read ({error.strerror}): name a folder that holds one folder or "
            f"archive per submission; if it is a file, {do}."
        ) from None
    entries, left = [], []
    for item in listing:
        if is_litter(item.name):
            continue
        kind = _kind(item)
        if item.name.startswith(".") or kind == "other":
            why = "it is no regular file" if kind == "other" else "its name begins with a dot"
            left.append(Left(printable(item.name), why))
        else:
            entries.append(Entry(Path(item.path), kind))
    return entries, left


def _kind(item: os.DirEntry[str]) -> str:
    if item.is_symlink():
        return "link"
    if item.is_dir(follow_symlinks=False):
        return "folder"
    if not item.is_file(follow_symlinks=False):
        return "other"
    return "archive" if archive_ending(item.name) else "file"


def _owned(entry: Entry, owners: Owners, platform: str) -> tuple[list[Upload], str]:
    """The uploads that an entry is; if there are none, why, or "" if the platform wrote it."""
    uploads = owners(entry)
    if entry.name in OF_PLATFORMS and not uploads:
        return [], ""
    if not uploads and platform not in ("auto", "folders"):
        return [], f"its name is not one that {TITLES[platform]} gives"
    if not uploads:
        what = "a step's file beside the submissions" if _is_of_step(entry) else "a file"
        return [], f"it is {what}, and nothing says whose: put it into a folder of its person"
    if uploads[0].platform != "folders" or not _is_of_course(entry):
        return uploads, ""
    if not _was_worked_on(entry):
        return [], "it has a name of the course, and holds no step's file that was worked on"
    return [replace(u, note="it has the name of a folder of the course") for u in uploads], ""


def _is_one(entries: Sequence[Entry], owners: Owners) -> bool:
    """Whether a folder is itself one submission: only step files, or `exercises/` and the course's
    other folders.
    """
    folders = [e for e in entries if e.kind == "folder"]
    exercises = any(e.name == "exercises" for e in folders)
    if not exercises and not any(_is_of_step(entry) for entry in entries):
        return False
    if any(u.platform != "folders" for entry in entries for u in owners(entry)):
        return False
    loose = [read_file_name(entry.name) for entry in entries if _is_of_step(entry)]
    if len({named.rest for named in loose}) > 1 and not any(named.exact for named in loose):
        return False  # several people's names
    if exercises and any(entry.name == "pyproject.toml" for entry in entries):
        return True
    others = [e for e in entries if owners(e) and (e.kind, e.name) != ("folder", "exercises")]
    return not any(not _is_of_course(entry) or _was_worked_on(entry) for entry in others)


def _wrapped(entries: Sequence[Entry], owners: Owners) -> Path | None:
    """The folder that a platform's download was unpacked to, if it is all there is."""
    if len(entries) != 1 or entries[0].kind != "folder":
        return None
    if any(upload.platform != "folders" for upload in owners(entries[0])):
        return None
    inner, _ = _entries(entries[0].path)
    inside, _ = class_reader(entries[0].path, inner, "auto")
    of_platforms = {u.platform for entry in inner for u in inside(entry)}
    return entries[0].path if of_platforms & PLAINLY_NAMED else None


def _is_download(entry: Entry) -> bool:
    """Whether an archive is what a platform gives for a whole class."""
    if entry.kind != "archive":
        return False
    places = [one.place.parts[1:] for one in contents(entry.path, entry.name, Budget())]
    inner = {
        p[0]: Entry(Path(os.devnull, p[0]), "folder" if len(p) > 1 else "file") for p in places if p
    }
    owners, _ = class_reader(Path(os.devnull), list(inner.values()), "auto")
    owned = [upload for one in inner.values() for upload in owners(one)]
    return len({upload.key for upload in owned if upload.platform != "folders"}) > 1


def _alone(folder: Path) -> Source:
    name = shown_name(folder.resolve().name) or "submission"
    upload = Upload(folder, "folders", "folders", name, called=".")
    return Source(name, uploads=(upload,))


def _is_of_step(entry: Entry) -> bool:
    return entry.kind == "file" and read_file_name(entry.name).step is not None


def _is_of_course(entry: Entry) -> bool:
    return entry.stem.lower() in COURSE_FOLDERS


def _was_worked_on(entry: Entry) -> bool:
    """Whether a folder or an archive holds a step's file that is neither a stub nor the course's
    own solution.
    """
    return any(
        one.text and not untouched(one.text) and one.text != _solution(one.named.step)
        for one in contents(entry.path, entry.name, Budget())
        if one.named.step is not None
    )


def _solution(step: Step) -> bytes:
    return read_start(find_root() / "solutions" / step.file, FILE_CAP)
