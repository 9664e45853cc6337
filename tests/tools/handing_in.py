"""What the tests of intake hand in: files, archives of all kinds, whole classes."""

import io
import tarfile
import zipfile
import zlib

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.grade.intake import read_class

ONE, THREE = STEPS[1].file, STEPS[3].file
WORK = b"def guide(): return 3\ndef guided_velocity(): return 3\n"
STUB = (find_root() / "exercises" / THREE).read_bytes()


def write(path, text=WORK):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def zipped(files):
    """A zip archive of files by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def tarred(files, packer=""):
    """A tar archive of files by name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{packer}") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return out.getvalue()


def rarred(files):
    """A rar archive, version 5, of files by name, nothing compressed."""

    def number(value):
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    def block(kind, flags, fields, data=b""):
        head = number(kind) + number(flags) + (number(len(data)) if data else b"") + fields
        head = number(len(head)) + head
        return zlib.crc32(head).to_bytes(4, "little") + head + data

    out = b"Rar!\x1a\x07\x01\x00" + block(1, 0, number(0))
    for name, text in files.items():
        crc = zlib.crc32(text).to_bytes(4, "little")
        fields = number(4) + number(len(text)) + number(0o100644) + crc + number(0) + number(1)
        out += block(2, 2, fields + number(len(name)) + name.encode(), text)
    return out + block(5, 0, number(0))


def rows(folder, platform="auto"):
    """The submissions of a class by name."""
    return {s.name: s.read() for s in read_class(folder, platform).sources}


def people(folder, platform="auto"):
    """The person, the identifier and the steps of every row, sorted."""
    found = rows(folder, platform).values()
    return sorted((r.person, r.identifier, sorted(r.files)) for r in found)


def only(folder, platform="auto"):
    """The one submission of a class."""
    (found,) = rows(folder, platform).values()
    return found


def handed_in(folder, files):
    """One person's submission of files by name, in a class of its own."""
    for name, text in files.items():
        write(folder / "class" / "ann" / name, text)
    return only(folder / "class")


def said(submission):
    """All that a submission says, as one text."""
    problems = [f"step {number}: {why}" for number, why in submission.problems.items()]
    return "\n".join([submission.refused, *problems, *submission.notes])
