"""What platforms write beside the work: Gradescope's list of submitters, Classroom 50's owner."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from kata.grade.intake.caps import Unreadable, size_of
from kata.grade.intake.uploads import Entry, Upload, plain_upload, read_start

GRADESCOPE = ("submission_metadata.yml", "submission_metadata.yaml")
METADATA_CAP = 32 << 20
MEMBERS_CAP = 100


def load_yaml(text: bytes) -> object:
    """Return what a YAML text holds: mappings, lists and strings alone, whatever it asks for.

    An alias is the same object once more, so nothing can grow. Raise Unreadable if it is no YAML
    or nested too deeply.
    """
    try:
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        return yaml.load(text.decode("utf-8", "replace"), Loader=loader)
    except (yaml.YAMLError, RecursionError, ValueError, MemoryError):
        raise Unreadable("it is no YAML that can be read") from None


def gradescope_metadata(folder: Path) -> Path | None:
    """Return the list of submitters in an export of Gradescope; None if a folder holds none."""
    return next((folder / n for n in GRADESCOPE if (folder / n).is_file()), None)


def gradescope_reader(path: Path) -> tuple[Callable[[Entry], list[Upload]], set[str]]:
    """Return a function that gives the uploads that an entry is, one per member of a group, and the
    names of all entries that should be there.

    Raise Unreadable if the list cannot be read: then nobody knows whose the entries are.
    """
    text = read_start(path, METADATA_CAP + 1)
    if len(text) > METADATA_CAP:
        raise Unreadable(f"it is larger than {size_of(METADATA_CAP)}")
    known = load_yaml(text)
    if not isinstance(known, Mapping):
        raise Unreadable("it lists no submissions")

    def read(entry: Entry) -> list[Upload]:
        if entry.name not in known:
            return []
        members = submitters(known[entry.name])
        alone = plain_upload(entry, "gradescope") or Upload(
            entry.path, "gradescope", f"folders {entry.name}", entry.stem, called=entry.name
        )
        if not members:
            note = f"{path.name} names nobody for {entry.name}"
            return [replace(alone, key=f"gradescope {entry.name}", note=note)]
        note = f"handed in by a group of {len(members)}" if len(members) > 1 else ""
        return [
            replace(
                alone,
                key=f"gradescope {entry.name} {number}",
                name=" ".join(dict.fromkeys(filter(None, (person, identifier)))) or alone.name,
                person=person,
                identifier=identifier,
                note=note,
            )
            for number, (person, identifier) in enumerate(members)
        ]

    return read, {name for name, told in known.items() if submitters(told)}


def submitters(told: object) -> list[tuple[str, str]]:
    """Return the name, and the student's number or e-mail address, of every submitter.

    told: what the list says about one submission, with keys like `:submitters` or `submitters`.
    """
    people = _value(told, "submitters")
    if not isinstance(people, Sequence) or isinstance(people, str):
        return []
    members = [person for person in people if isinstance(person, Mapping)][:MEMBERS_CAP]
    return [
        (_text(person, "name") or mail or sid, sid or mail)
        for person in members
        for sid, mail in [(_text(person, "sid"), _text(person, "email"))]
    ]


def classroom_owner(text: bytes) -> str:
    """Return the login of a repository's owner in Classroom 50's file; "" if it names none."""
    try:
        login = _value(_value(load_yaml(text), "owner"), "username")
    except Unreadable:
        return ""
    return login if isinstance(login, str) else ""


def _value(told: object, key: str) -> object:
    if not isinstance(told, Mapping):
        return None
    return told.get(f":{key}", told.get(key))


def _text(told: object, key: str) -> str:
    value = _value(told, key)
    return value.strip() if isinstance(value, str) and value not in ("~", "null") else ""
