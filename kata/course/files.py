"""Where files lie, how their paths and texts are read, and how a file is written whole or not at
all.
"""

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs


def find_root(start: Path | None = None) -> Path:
    """Return the course's folder: the nearest at or above `start`, else the one that holds this
    package.

    start: by default the working directory.
    """
    return course_above(start or Path.cwd()) or Path(__file__).resolve().parents[2]


def course_above(place: Path) -> Path | None:
    """Return the course's folder at or above a place, links resolved; None if there is none."""
    place = place.resolve()
    for folder in (place, *place.parents):
        if (folder / "kata" / "course").is_dir() and (folder / "tests").is_dir():
            return folder
    return None


def cache_folder() -> Path:
    """Return where data and results are kept: $KATA_CACHE, else cfg-kata in the user's cache
    folder.
    """
    if chosen := os.environ.get("KATA_CACHE"):
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("cfg-kata", appauthor=False))


def shown(path: Path) -> str:
    """Return a path as a person would type it: relative if it lies below the working directory."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def pasted(path: Path) -> str:
    """Return a path as a word of a command, so that it works when pasted: quoted if necessary."""
    text = shown(path)
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def source_text(path: Path) -> str:
    """Return the text of a Python file. A byte-order mark at its start is no part of it."""
    return path.read_text(encoding="utf-8-sig")


def matching_files(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """The files below a folder that match, but for what Python and pip leave behind."""
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            left_behind = any(
                part == "__pycache__" or part.endswith(".egg-info") for part in path.parts
            )
            if path.is_file() and not left_behind:
                yield path


def write_atomic(path: Path, content: bytes | str, durable: bool = False) -> None:
    """Write a file whole or not at all, even if the process ends meanwhile.

    durable: wait until it is on the disk, so that it survives a power cut. Raise OSError if it
    cannot be written; nothing is left beside it then.
    """
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
