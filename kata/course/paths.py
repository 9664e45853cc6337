"""Where things lie: the course's folder, and the cache outside of it."""

import os
import sys
from pathlib import Path


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
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cfg-kata"


def shown(path: Path) -> str:
    """A path as a person would type it: relative to the working directory where it lies below it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
