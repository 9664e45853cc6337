"""Where things lie, and how a file is written whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

import platformdirs


def find_root() -> Path:
    """The course's folder: the nearest at or above the working directory, else where the package lies."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "kata" / "course").is_dir() and (folder / "tests").is_dir():
            return folder
    return Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """Where data and results are kept: $KATA_CACHE, else cfg-kata in the user's own cache folder."""
    if chosen := os.environ.get("KATA_CACHE"):
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("cfg-kata", appauthor=False))


def shown(path: Path) -> str:
    """A path as a person would type it: relative to the working directory where it lies below it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def write_atomic(path: Path, content: bytes | str, durable: bool = False) -> None:
    """Write a file that is there whole or as it was before, whenever the process ends.

    durable: wait until it is on the disk, so that it outlasts a power cut as well. Raises OSError where it cannot be
    written; nothing is left beside it then.
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
