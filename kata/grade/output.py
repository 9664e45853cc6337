"""The folder of results: one grader at a time, and files that are whole or not there."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kata.course import KataError
from kata.course.files import write_atomic

LOCK = ".lock"


class OutputError(KataError):
    """The folder of results cannot be used; the message says what to do. What is in it is kept."""


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """Hold a folder of results, which is made if needed, as long as this process lives.

    If nothing was written there in the end, what was made is removed. Raise OutputError if another
    grader holds the folder, or if it cannot be written to.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    lock = FileLock(out / LOCK)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise OutputError(
            f"Another grader is at work in {out}: wait until it ends, or name another folder with --out."
        ) from None
    except (OSError, NotImplementedError) as error:
        _remove(made)
        raise unwritable(out, error) from None
    try:
        yield
    finally:
        empty = not holds_something(out)
        lock.release()
        if empty:
            (out / LOCK).unlink(missing_ok=True)
            _remove(made)


def holds_something(out: Path) -> bool:
    """Return whether a folder of results holds anything but the lock."""
    try:
        return any(name != LOCK for name in os.listdir(out))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unwritable(out, error) from None


def write_report(path: Path, text: str) -> None:
    """Write a file atomically and durably; make its folder if needed. Raise OutputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode("utf-8", "backslashreplace"), durable=True)
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: Exception) -> OutputError:
    """Return the error that says why a path cannot be written, and what to do."""
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    remedy = "free some space" if full else "make it writable, or name another folder with --out"
    return OutputError(
        f"{path} cannot be written ({why}): {remedy}; what is graded is kept, go on with --resume."
    )


def sealed(data: dict[str, Any]) -> str:
    """Return JSON text that holds its own digest."""
    return json.dumps({**data, "digest": _digest(data)}, indent=1) + "\n"


def unsealed(text: str) -> dict[str, Any]:
    """Return what `sealed` was given; raise ValueError if the text was changed or cut since."""
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(data, dict) or data.pop("digest", None) != _digest(data):
        raise ValueError("it is damaged")
    return data


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _remove(folders: list[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
