"""Clones from GitHub, as GitHub Classroom and Classroom 50 name them: `assignment-login`."""

import re
from collections.abc import Sequence
from pathlib import Path

from kata.grade.intake.metadata import classroom_owner
from kata.grade.intake.names import shared_start
from kata.grade.intake.platforms import Reader
from kata.grade.intake.uploads import Entry, Upload, plain_upload, read_start

CLASSROOM = (".classroom50.yaml", ".classroom50.yml")
LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
WRAPPER = re.compile(r"^(?P<slug>.+?)[-_]submissions(?:_[\d_T]+)?$")
OWN_CAP = 64 << 10


def is_clone(path: Path) -> bool:
    """Return whether a folder is a repository."""
    return any((path / name).exists() for name in (".git", *CLASSROOM))


def repository_reader(entries: Sequence[Entry], chosen: bool) -> Reader:
    """Return a function that tells whose a clone is.

    Classroom 50 writes the owner's login into the repository. Else it is what follows the part that
    the names share: the assignment's name, which the folder of all clones has too. chosen: whether
    every folder and archive is a repository, because the user says so.
    """
    folders = [e for e in entries if e.kind == "folder" and (chosen or is_clone(e.path))]
    names = [entry.name for entry in folders]
    shared = shared_start(names, "-")
    wrapper = WRAPPER.match(folders[0].path.absolute().parent.name) if folders else None
    if wrapper and all(name.startswith(f"{wrapper['slug']}-") for name in names):
        shared = f"{wrapper['slug']}-"

    def read(entry: Entry) -> Upload | None:
        upload = plain_upload(entry, "github")
        if upload is None or not (chosen or (entry.kind == "folder" and is_clone(entry.path))):
            return None
        stem = re.sub(r"-(?:main|master)$", "", entry.stem)
        told = _owner(entry.path) or (stem.removeprefix(shared) if shared else "")
        login = told if LOGIN.fullmatch(told) else ""
        return Upload(
            *(entry.path, "github", f"github {entry.name}", login or entry.stem),
            identifier=login,
            called=entry.name,
        )

    return read


def _owner(path: Path) -> str:
    texts = (read_start(path / name, OWN_CAP) for name in CLASSROOM)
    return next((owner for text in texts if text and (owner := classroom_owner(text))), "")
