"""An entry of a class, and whose it is."""

from dataclasses import dataclass
from pathlib import Path

from kata.grade.intake.archives import archive_ending


@dataclass(frozen=True)
class Entry:
    """A file or a folder of a class. kind: "folder", "archive", "file", "link" or "other"."""

    path: Path
    kind: str

    @property
    def name(self) -> str:
        """The entry's name in the class."""
        return self.path.name

    @property
    def stem(self) -> str:
        """The entry's name; an archive's without its ending."""
        ending = archive_ending(self.name) if self.kind == "archive" else ""
        return self.name.removesuffix(ending) if len(ending) < len(self.name) else self.name


@dataclass(frozen=True)
class Upload:
    """An entry that a person handed in.

    key: what all entries of one person share, and nobody else's; name, person, identifier: as in a
    Submission; called: the entry's name without what the platform added; order: the higher, the
    later it was handed in; attempt: its date, "" if there is none; is_receipt: whether the platform
    wrote it; note: what is to be said about it.
    """

    path: Path
    platform: str
    key: str
    name: str
    person: str = ""
    identifier: str = ""
    late: bool = False
    called: str = ""
    order: int = 0
    attempt: str = ""
    is_receipt: bool = False
    note: str = ""


def plain_upload(entry: Entry, platform: str = "folders") -> Upload | None:
    """Return the upload that a folder or an archive is under its own name; None for files."""
    if entry.kind not in ("folder", "archive", "link"):
        return None
    return Upload(entry.path, platform, f"folders {entry.name}", entry.stem, called=entry.name)


def read_start(path: Path, cap: int) -> bytes:
    """Return the first bytes of a file, at most `cap`; b"" if it is no file or cannot be read."""
    try:
        if path.is_symlink() or not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(cap)
    except OSError:
        return b""
