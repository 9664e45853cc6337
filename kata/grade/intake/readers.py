"""Whose an entry is, by all the platforms whose names are known, or by the one that is chosen."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from kata.grade.intake.caps import Unreadable
from kata.grade.intake.metadata import GRADESCOPE, gradescope_metadata, gradescope_reader
from kata.grade.intake.platforms import (
    Reader,
    blackboard_reader,
    brightspace_upload,
    canvas_upload,
    moodle_upload,
)
from kata.grade.intake.repositories import repository_reader
from kata.grade.intake.uploads import Entry, Upload, plain_upload

PLATFORMS = ("canvas", "moodle", "blackboard", "brightspace", "gradescope", "github", "folders")
"""The platforms whose names are known."""

TITLES = {name: name.capitalize() for name in PLATFORMS} | {"github": "GitHub"}

OF_PLATFORMS = {*GRADESCOPE, "scores.csv"}
"""Files that platforms write beside the submissions: Gradescope, Classroom 50."""

Owners = Callable[[Entry], list[Upload]]
"""A function that gives the uploads that an entry is, one per person; none if it is nobody's."""


def class_reader(
    folder: Path, entries: list[Entry], platform: str
) -> tuple[Owners, list[tuple[str, str]]]:
    """Return a function that tells whose an entry of a class is, and what else is to be said:
    places, and why they are nobody's.

    Submissions that Gradescope lists and that are not there are added to the entries.
    """
    if platform == "folders":
        return lambda entry: _as_list(plain_upload(entry)), []
    found = gradescope_metadata(folder) if platform in ("auto", "gradescope") else None
    listed: Owners | None = None
    said = []
    if found:
        try:
            listed, names = gradescope_reader(found)
            there = {entry.name for entry in entries}
            missing = sorted(n for n in names - there if PurePath(n).name == n)
            entries += [Entry(folder / name, "folder") for name in missing]
        except Unreadable as error:
            said.append((found.name, str(error)))
    elif platform == "gradescope":
        said.append((GRADESCOPE[0], "it is not there, so nothing says whose the submissions are"))
    readers = _readers(entries, platform)

    def owners(entry: Entry) -> list[Upload]:
        if listed and (members := listed(entry)):
            return members
        return next((_as_list(u) for read in readers if (u := read(entry))), [])

    return owners, said


def _readers(entries: Sequence[Entry], platform: str) -> list[Reader]:
    """The readers to be asked one after another, those of the plainest names first."""
    if platform == "gradescope":
        return [lambda entry: plain_upload(entry, "gradescope")]
    if platform == "github":
        return [repository_reader(entries, chosen=True)]
    by_name: dict[str, Reader] = {
        "blackboard": blackboard_reader(entries),
        "moodle": moodle_upload,
        "brightspace": brightspace_upload,
        "canvas": canvas_upload,
    }
    if platform != "auto":
        return [by_name[platform]]
    return [*by_name.values(), repository_reader(entries, chosen=False), plain_upload]


def _as_list(upload: Upload | None) -> list[Upload]:
    return [] if upload is None else [upload]
