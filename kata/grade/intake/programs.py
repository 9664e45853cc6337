"""Archives that Python cannot read: other programs unpack them, under caps, and get no names."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from kata.grade.intake import caps
from kata.grade.intake.caps import Budget, Unreadable
from kata.grade.intake.tars import CHUNK, Stream, TarMember

SEVEN = ("7zz", "7z", "7za")
MEMORY_CAP = 1 << 30
INSTALL = {
    "7z": "install 7-Zip (apt install 7zip) or unar (apt install unar)",
    "rar": "install unar (apt install unar)",
    "zst": "install zstd (apt install zstd)",
}


def needed_for(kind: str) -> str:
    """Return the sentence that says what reads a kind of archive: "7z", "rar" or "zst"."""
    return f"no program on this machine reads .{kind} archives: {INSTALL[kind]}"


@contextlib.contextmanager
def zstd_stream(packed: IO[bytes], budget: Budget) -> Iterator[Stream]:
    """Yield the unpacked bytes of a zstd file: by Python's own module, else by the program zstd.

    Raise Unreadable if there is neither.
    """
    if sys.version_info >= (3, 14):
        from compression import zstd

        with zstd.open(packed) as stream:
            yield stream
        return
    if (program := shutil.which("zstd")) is None:
        raise Unreadable(needed_for("zst"))
    with _on_disk(packed) as path:
        command = [program, "-dcq", "--memory=128MB", "--", str(path)]
        with _running(command, budget) as process:
            assert process.stdout is not None
            yield process.stdout


def unpacked_members(packed: IO[bytes], kind: str, budget: Budget) -> Iterator[TarMember]:
    """Yield the files of a 7z or rar archive, read by a program.

    Raise Unreadable if there is none, if it fails, or at a cap.
    """
    seven = next(filter(None, map(shutil.which, SEVEN)), None)
    unar = shutil.which("unar")
    with _on_disk(packed) as path:
        if seven and kind == "7z":
            yield from _by_seven(seven, path, budget)
        elif unar:
            yield from _by_unar(unar, path, budget)
        else:
            raise Unreadable(needed_for(kind))


def _by_seven(program: str, path: Path, budget: Budget) -> Iterator[TarMember]:
    """The list of files and then all their bytes, one after another: nothing touches the disk."""
    file = ["-t7z", "-p", "--", str(path)]
    listing = _output([program, "l", "-slt", "-ba", "-sccUTF-8", *file], budget)
    entries = _listed(listing.decode("utf-8", "surrogateescape"))
    with _running([program, "x", "-so", "-mmt1", *file], budget) as process:
        assert process.stdout is not None
        for entry in entries:
            if entry["kind"] == "folder":
                yield TarMember(entry["Path"], "folder", lambda count: b"")
                continue
            text, crc = _part(process.stdout, int(entry["Size"]), budget)
            if f"{crc:08X}" != (entry.get("CRC") or "00000000"):
                raise Unreadable("it is damaged or encrypted")
            yield TarMember(entry["Path"], entry["kind"], lambda count, text=text: text[:count])  # type: ignore[misc]


def _listed(listing: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = []
    for block in re.split(r"\r?\n\s*\r?\n", listing):
        fields = dict(re.findall(r"^(Path|Size|Attributes|CRC|Encrypted) = (.*?)\r?$", block, re.M))
        if "Path" not in fields:
            continue
        if fields.get("Encrypted") == "+":
            raise Unreadable("it is encrypted")
        attributes = fields.get("Attributes", "")
        folder = attributes.startswith("D") or " d" in attributes
        kind = "folder" if folder else "link" if " l" in attributes else "file"
        size = fields.get("Size") or "0"
        if not re.fullmatch(r"\d{1,15}", size):
            raise Unreadable("it is damaged")
        if len(entries) >= caps.ENTRIES_CAP:
            raise Unreadable(f"it holds more than {caps.ENTRIES_CAP:,} files")
        entries.append({**fields, "Size": size, "kind": kind})
    return entries


def _part(stream: IO[bytes], size: int, budget: Budget) -> tuple[bytes, int]:
    """The first bytes of a file in the stream, all of which are passed over, and its checksum."""
    parts, kept, crc = [], 0, 0
    while size:
        budget.spend_bytes(min(size, CHUNK))
        part = stream.read(min(size, CHUNK))
        if not part:
            raise Unreadable("it is damaged or encrypted")
        crc, size = zlib.crc32(part, crc), size - len(part)
        if kept <= caps.NESTED_CAP:
            parts.append(part)
            kept += len(part)
    return b"".join(parts), crc


def _by_unar(program: str, path: Path, budget: Budget) -> Iterator[TarMember]:
    """Everything in a private folder, which is watched while it fills and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="kata-unar-") as private:
        command = [program, "-q", "-f", "-D", "-k", "skip", "-p", "", "-o", private, str(path)]
        with _running(command, budget, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                time.sleep(0.02)
                _weigh(private, budget)
        _weigh(private, budget)
        if process.returncode:
            raise Unreadable("it is damaged, encrypted or of an unknown kind")
        for folder, folders, files in os.walk(private):
            folders.sort()
            for name in sorted(files):
                place = Path(folder, name)
                inside = place.relative_to(private).as_posix()
                yield TarMember(inside, *_unpacked(place, budget))


def _unpacked(place: Path, budget: Budget) -> tuple[str, "_Read"]:
    if place.is_symlink() or not place.is_file():
        return "link", _Read(None, budget)
    return "file", _Read(place, budget)


class _Read:
    def __init__(self, path: Path | None, budget: Budget) -> None:
        self.path, self.budget = path, budget

    def __call__(self, count: int) -> bytes:
        if self.path is None:
            return b""
        with self.path.open("rb") as file:
            text = file.read(count)
        self.budget.spend_bytes(len(text))
        return text


def _weigh(private: str, budget: Budget) -> None:
    budget.check_time()
    count = total = 0
    for folder, folders, files in os.walk(private):
        count += len(folders) + len(files)
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    if count > caps.ENTRIES_CAP:
        raise Unreadable(f"it holds more than {caps.ENTRIES_CAP:,} files")
    if total > caps.UNPACKED_CAP:
        raise Unreadable(f"it would unpack to more than {caps.UNPACKED_CAP >> 20} MB")


@contextlib.contextmanager
def _on_disk(packed: IO[bytes]) -> Iterator[Path]:
    """A private copy of an archive, under a name that nobody outside chose."""
    with tempfile.TemporaryDirectory(prefix="kata-archive-") as private:
        path = Path(private, "archive")
        with path.open("wb") as copy:
            shutil.copyfileobj(packed, copy)
        yield path


def _output(command: Sequence[str], budget: Budget) -> bytes:
    with _running(command, budget) as process:
        assert process.stdout is not None
        text = process.stdout.read(caps.LISTING_CAP * 4 + 1)
        if len(text) > caps.LISTING_CAP * 4:
            raise Unreadable("its list of files is too long")
        if process.wait(max(1.0, budget.seconds_left())):
            raise Unreadable("it is damaged, encrypted or of an unknown kind")
        return text


@contextlib.contextmanager
def _running(
    command: Sequence[str], budget: Budget, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """A program under caps on memory, on the size of files and on time; ended at the end."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    _limit(process.pid, budget)
    watchdog = threading.Timer(max(0.1, budget.seconds_left()), _end, [process])
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        _end(process)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, which would hold its pipe open."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _limit(pid: int, budget: Budget) -> None:
    if sys.platform != "linux":
        return
    import resource

    seconds = max(1, int(budget.seconds_left()) + 1)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_CAP),
        (resource.RLIMIT_FSIZE, caps.UNPACKED_CAP),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, what, (most, most))
