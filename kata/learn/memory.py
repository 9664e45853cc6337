"""What is remembered of a learner in this copy of the course: hints given, predictions made."""

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from kata.course.files import cache_folder, write_atomic
from kata.course.steps import Step

_unwritten: dict[tuple[Path, str], Any] = {}
"""What could not be written; it is kept for this process."""


def remember(root: Path, kind: str, step: Step, value: Any) -> bool:
    """Note one value per kind and step, as JSON. Return whether the note outlasts this process."""
    path = _file(root, kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps({**_written(path), step.folder: value}).encode())
    except OSError:
        _unwritten[path, step.folder] = value
        return False
    _unwritten.pop((path, step.folder), None)
    return True


def remembered(root: Path, kind: str, step: Step) -> Any:
    """Return the value that was noted last, or None; it may be of any type."""
    path = _file(root, kind)
    return _unwritten.get((path, step.folder), _written(path).get(step.folder))


def _file(root: Path, kind: str) -> Path:
    course = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return cache_folder() / kind / f"{course}.json"


def _written(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        data = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(data, dict):
            return data
    return {}
