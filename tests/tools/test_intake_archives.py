"""Archives: all kinds, in folders and in each other; bombs, climbers, links, garbage."""

import base64
import bz2
import gzip
import io
import itertools
import lzma
import random
import shutil
import stat
import struct
import sys
import tarfile
import time
import zipfile
from types import SimpleNamespace

import pytest

from kata.grade.intake import archives, programs

from .handing_in import ONE, THREE, WORK, handed_in, only, rarred, rows, said, tarred, write, zipped

SEVEN = base64.b64decode(
    "N3q8ryccAATNvcmVyQAAAAAAAAAiAAAAAAAAAMeOLUfgADgAK10AMhlI/08KznBFGyCUWGukkNLC8sHWM+wpd/DvZXgFGUA6"
    "9CcFHuwN8yW2AAAAAIEzB64P0S47sKCQoHdexUAYj8LdFqTpYVEPKFOBdJ6W16vd9pAKCRj/TBf8xFfuYUCCE9zokjoH5W0B"
    "GM5/N39Ppgk1tL80xqyzB4q3bSQSKMeA9UHZye3RUpMGM7Qwug9HvLX3HpHAmiftvp0PlIkNnVqZv/ZsdaEj52ff4HRuTqj1"
    "KQ8VwHMqAcKWc3O4QOAAAAAXBjMBCYCWAAcLAQABIwMBAQVdABAAAAyA5goB87DRcgAA"
)
"""A 7z archive of exercises/, with WORK as step 3, an empty file and notes.txt."""

ENCRYPTED_SEVEN = base64.b64decode(
    "N3q8ryccAASDzIv/wAAAAAAAAAA+AAAAAAAAAE7flSOxq8oPmZXUXfnJaSMlVCwYeN+wcqJ42aOppulBiaIxluoRWbkQLaYZ"
    "gGybRfxc2dLQdXxLwdS0s2IcSovNuAiRXH4wdSkGXTDQX+TpnyE+Gp3WOkG55qVROzL38K4AHz2cIrkEaUJTgGYSB0+DXBcV"
    "NKuFEuTUau4k/QihOMFwBlsUaKClTg2mhdVcNfaL/qYhqdllrvxaMhQNu+6ny1Cua1CzjJf0E1PkR+by1W4vkrNVMNbKJsQH"
    "4QSaWXLP0qkXBjABCYCQAAcLAQACJAbxBwESUw940n6Qmf+BG23YdXoVL2LYIwMBAQVdABAAAAEADICQgLYKAdzcf0EAAA=="
)

LINK_SEVEN = base64.b64decode(
    "N3q8ryccAAS+oAHA2AAAAAAAAAAiAAAAAAAAACsiAtrgAEIANF0AMhlI/08KznBFGyCUWGukkNLC8sHWM+wpd/DvZXgFGUA6"
    "9CcFHlBaoJ73Gv3FPDsBmDImRAAAAIEzB64P0bZyEKCQoHdexUAYklEAqFiUTCqXoX9/UqmC7/i3tl+LkNNOEgD4PT2LGYxd"
    "FZzhvIgww8JUQhuvNy+4x0tLHHLZcSljhBref0dJsxD69jvFIZLLdgmHsXBBUlLOPGGEG1gHpCFjHNjBuzAdMnpGhtWqMFJh"
    "5Fvdy9dDkGpc4uaUhWfH8fajYFUIsUX5R0v4M1NgAAAXBjwBCYCcAAcLAQABIwMBAQVdABAAAAyA7goBn/WA+gAA"
)
"""A 7z archive of WORK as step 3 and a link to /etc/passwd as step 4."""

ZSTD = base64.b64decode(
    "KLUv/QRoRQUAIggaGHBvA6Ahp3HFQaIG/7/L0yIm/WxVf8VNAZGzzbg33/oh+j8pr3+UB3mFLECrBKl3qIcQuDK+rCYb25xj"
    "zF3T4IqULA/VIL2Tf8x/D6YqTD5S2TSXNebNLZhd93bj3GzN2CSix0eBbnkYIGClICZ5MG49QIZOxWMqyR0O4ATzExqj6h3o"
    "IBlL2Q8ImGp22B4yUQyA7Xk0xgC0fyC1wIAEMQWYTXwOYLmK0g=="
)
"""A tar archive of the same, packed by zstd."""

INNER = {f"x/exercises/{THREE}": WORK, "x/notes.txt": b"hm"}
KINDS = {
    ".zip": zipped(INNER),
    ".tar": tarred(INNER),
    ".tar.gz": tarred(INNER, "gz"),
    ".tgz": tarred(INNER, "gz"),
    ".tar.bz2": tarred(INNER, "bz2"),
    ".tar.xz": tarred(INNER, "xz"),
}
BY_PROGRAM = {
    ".7z": (SEVEN, ("7zz", "7z", "7za", "unar")),
    ".rar": (rarred(INNER), ("unar",)),
    ".tar.zst": (ZSTD, ("zstd",)),
}


def read_modestly(folder):
    """The rows of a class; reading them takes little memory, on Linux, and little time."""
    before, began = memory("VmRSS"), time.monotonic()
    if sys.platform == "linux":
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak begins anew
    found = rows(folder)
    assert memory("VmHWM") - before < 300 << 20
    assert time.monotonic() - began < 90
    return found


def memory(what):
    """A figure of this process's memory in bytes; 0 where the system tells none."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith(f"{what}:"))


@pytest.mark.parametrize("ending", KINDS)
def test_archives_are_read(tmp_path, ending):
    """As if they were folders: as a submission, in a person's folder, and whatever the letters."""
    write(tmp_path / f"ann{ending}", KINDS[ending])
    write(tmp_path / "bob" / f"exercises{ending.upper()}", KINDS[ending])
    found = rows(tmp_path)
    assert found.keys() == {"ann", "bob"}
    assert all(s.files == {3: WORK} and not s.notes for s in found.values())


@pytest.mark.parametrize("ending", BY_PROGRAM)
def test_archives_that_need_a_program(tmp_path, monkeypatch, ending):
    """They are read if there is one; else a sentence says what to install, and nothing is lost."""
    text, needed = BY_PROGRAM[ending]
    write(tmp_path / f"ann{ending}", text)
    write(tmp_path / "bob" / f"exercises{ending}", text)
    write(tmp_path / "bob" / ONE, b"x = 1\n")
    if any(map(shutil.which, needed)):
        found = rows(tmp_path)
        assert found["ann"].files == {3: WORK}
        assert found["bob"].files == {1: b"x = 1\n", 3: WORK}
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    monkeypatch.setattr(programs.sys, "version_info", (3, 11))
    found = rows(tmp_path)
    assert "install" in found["ann"].refused
    assert found["bob"].files == {1: b"x = 1\n"}
    assert "install" in said(found["bob"])


def test_the_kind_is_told_by_the_first_bytes(tmp_path):
    """A rar or a tar archive that is called zip."""
    write(tmp_path / "ann.zip", KINDS[".tar.gz"])
    write(tmp_path / "bob.tar", KINDS[".zip"])
    assert all(s.files == {3: WORK} for s in rows(tmp_path).values())


def test_archives_in_archives(tmp_path):
    """Three of them; a fourth is named. Each has its own caps, and all of them share theirs."""
    text = {THREE: WORK}
    for depth in range(1, 5):
        text = (
            {f"deeper{depth}.zip": zipped(text)} if depth % 2 else {"t.tar.gz": tarred(text, "gz")}
        )
        (packed,) = text.values()
        write(tmp_path / f"depth{depth}{'.zip' if depth % 2 else '.tar.gz'}", packed)
    found = rows(tmp_path)
    assert [found[f"depth{depth}"].files for depth in (1, 2, 3)] == [{3: WORK}] * 3
    assert "more than 3 archives" in found["depth4"].refused


@pytest.mark.parametrize(
    "ending", [".zip", ".tar.gz", ".tar.xz", ".tar", ".7z", ".rar", ".tar.zst"]
)
def test_damaged_archives_are_refused(tmp_path, ending):
    """Garbage, nothing, and a good one cut off: a sentence."""
    noise = random.Random(3).randbytes(5000)
    whole = KINDS[ending] if ending in KINDS else BY_PROGRAM[ending][0]
    write(tmp_path / f"garbage{ending}", noise)
    write(tmp_path / f"empty{ending}", b"")
    write(tmp_path / f"cut{ending}", whole[: min(len(whole) // 2, 520)])
    write(tmp_path / f"start{ending}", whole[:8] + noise)
    found = rows(tmp_path)
    assert found.keys() == {"garbage", "empty", "cut", "start"}
    assert all(s.refused and not s.files for s in found.values())


def test_what_was_read_before_the_damage_counts(tmp_path):
    """And the damage is said."""
    packed = tarred({THREE: WORK, ONE: b"#" * 100_000}, "")
    write(tmp_path / "ann.tar", packed[:20_000])
    found = only(tmp_path)
    assert found.files == {3: WORK}
    assert "cut off" in said(found)


@pytest.mark.parametrize(
    "name", [f"../x/{THREE}", f"/etc/{THREE}", f"a/../../{THREE}", f"C:\\{THREE}"]
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_that_climbs_is_refused(tmp_path, name, pack):
    """Whole if it is all there is; beside other files, it alone. The name is in the sentence."""
    write(tmp_path / "ann.zip", pack({name: b"x", THREE: b"y"}))
    write(tmp_path / "bob" / "more.zip", pack({name: b"x"}))
    write(tmp_path / "bob" / ONE)
    found = rows(tmp_path)
    assert "climbs out" in found["ann"].refused
    assert found["bob"].files == {1: WORK}
    assert "climbs out" in said(found["bob"])


def test_links_and_folders_in_archives_are_problems(tmp_path):
    """Symbolic and hard links, folders and devices of a step's name."""
    kinds = {"sym": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "dir": tarfile.DIRTYPE}
    for name, kind in (kinds | {"device": tarfile.CHRTYPE}).items():
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            entry = tarfile.TarInfo(THREE)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    with zipfile.ZipFile(tmp_path / "zip.zip", "w") as archive:
        info = zipfile.ZipInfo(THREE)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr(f"x/{ONE}/", b"")
    found = rows(tmp_path)
    assert all("not a file" in s.problems[3] for s in found.values())
    assert len(found) == 5


def test_links_and_climbers_that_programs_unpack(tmp_path):
    """A link in a 7z archive is a problem; names in a rar archive that climb stay in its folder."""
    write(tmp_path / "class" / "ann.7z", LINK_SEVEN)
    climbers = {"../../climbed.py": b"x", f"{tmp_path}/absolute.py": b"x", THREE: WORK}
    write(tmp_path / "class" / "bob.rar", rarred(climbers))
    found = rows(tmp_path / "class")
    for name, needed in (("ann", BY_PROGRAM[".7z"][1]), ("bob", ("unar",))):
        there = any(map(shutil.which, needed))
        assert found[name].files == ({3: WORK} if there else {})
        assert there or "install" in found[name].refused
    if shutil.which("7z"):
        assert found["ann"].problems == {4: "it is a link, not a file"}
    assert [path.name for path in tmp_path.iterdir()] == ["class"]


def test_duplicate_names(tmp_path):
    """Twice the same text is one; two texts are a problem that names both."""
    for name, texts in (("same", (WORK, WORK)), ("two", (WORK, b"x"))):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for text in texts:
                with (
                    pytest.warns(UserWarning, match="Duplicate")
                    if text is texts[1] and archive.namelist()
                    else _nothing()
                ):
                    archive.writestr(THREE, text)
    found = rows(tmp_path)
    assert found["same"].files == {3: WORK}
    assert "more than once" in found["two"].problems[3]


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def test_encrypted_archives(tmp_path):
    """A zip archive, a part of one, a 7z archive whose list is encrypted too: a sentence."""
    packed = bytearray(zipped({THREE: WORK, ONE: WORK}))
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(magic) + flags] |= 1
    write(tmp_path / "ann.zip", bytes(packed))
    write(tmp_path / "bob.7z", ENCRYPTED_SEVEN)
    found = rows(tmp_path)
    assert found["ann"].problems == {3: "it is encrypted"}
    assert found["ann"].files == {1: WORK}
    assert found["bob"].refused


def test_bombs_are_refused(tmp_path, monkeypatch):
    """Much in little, in every kind and in each other, very many files, and one large one."""
    monkeypatch.setattr("kata.grade.intake.caps.UNPACKED_CAP", 60 << 20)
    zeros = bytes(1 << 20)
    many = {f"zeros{i}": zeros for i in range(64)}
    large = zipped(many)
    write(tmp_path / "large.zip", large)
    for packer, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        bomb = pack(_header("zeros", b"0", 64 << 20)) + pack(zeros) * 64
        write(tmp_path / f"large{packer}.tar.{packer}", bomb)
    write(tmp_path / "nested.zip", zipped({f"{i}.zip": large for i in range(3)}))
    wide = zipped({"a": bytes(30 << 20)})
    write(tmp_path / "wide.zip", zipped({f"{i}.zip": wide for i in range(40)}))
    write(tmp_path / "many.zip", zipped({f"{i}": b"" for i in range(20_001)}))
    write(tmp_path / "manytar.tar.gz", tarred({f"{i}": b"" for i in range(20_001)}, "gz"))
    write(tmp_path / "one.zip", zipped({THREE: bytes(10 << 20)}))
    write(tmp_path / "texts.zip", zipped({f"{i}/{THREE}": bytes(200 << 10) for i in range(320)}))
    found = read_modestly(tmp_path)
    for name in ("large", "largegz", "largebz2", "largexz", "nested"):
        assert "unpack to more" in found[name].refused, name
    assert "unpack to more" in said(found["texts"])
    assert "more than 20,000 files" in found["many"].refused
    assert "more than 20,000 files" in found["manytar"].refused
    assert "larger than" in found["one"].problems[3]
    assert not found["wide"].files


@pytest.mark.parametrize("kind", ["gnu", "link", "pax", "global", "sparse", "fields", "negative"])
def test_headers_have_caps(tmp_path, kind):
    """A name of gigabytes, fields of megabytes that every file would inherit, maps of holes."""
    big = 300 << 20
    if kind in ("gnu", "link", "pax", "global"):
        types = {"gnu": b"L", "link": b"K", "pax": b"x", "global": b"g"}
        head = _header("././@LongLink", types[kind], big)
        packed = _packed([head, *(bytes(1 << 20) for _ in range(300))])
    elif kind == "fields":
        fields = b"".join(b"%d k%05d=%s\n" % (30, n, b"v" * 19) for n in range(2000))
        packed = _packed(
            [_header("g", b"g", len(fields)), fields.ljust(-(-len(fields) // 512) * 512, b"\0")]
            * 300
        )
    elif kind == "sparse":
        packed = _packed([_header("s", b"S", 0), *(b"\1" * 512 for _ in range(1000))])
    else:
        head = bytearray(_header(THREE, b"0", 0))
        head[124:136] = b"\xff" * 12
        packed = _packed([_summed(head)])
    write(tmp_path / "ann.tar.gz", packed)
    assert read_modestly(tmp_path)["ann"].refused


def _header(name, kind, size):
    head = tarfile.TarInfo(name)
    head.type, head.size = kind, size
    return head.tobuf(tarfile.GNU_FORMAT)


def _summed(head):
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def _packed(parts):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        for part in parts:
            file.write(part)
    return out.getvalue()


def test_long_names_are_read(tmp_path):
    """Of 200 characters, in both formats of tar."""
    name = "/".join(["a" * 40] * 5) + f"/{THREE}"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / f"tar{form}.tar", "w", format=form) as archive:
            entry = tarfile.TarInfo(name)
            entry.size, entry.pax_headers = len(WORK), {"comment": "é"}
            archive.addfile(entry, io.BytesIO(WORK))
    assert [s.files for s in rows(tmp_path).values()] == [{3: WORK}] * 2


def test_overlapping_files_and_long_lists(tmp_path):
    """A zip archive whose files share their bytes, and one whose list of files is of megabytes."""
    packed = zipped({THREE: WORK, ONE: WORK})
    start = packed.index(b"PK\x01\x02")
    second = packed.index(b"PK\x01\x02", start + 4)
    overlapping = bytearray(packed)
    struct.pack_into("<L", overlapping, second + 42, 0)
    write(tmp_path / "overlap.zip", bytes(overlapping))
    long = io.BytesIO()
    with zipfile.ZipFile(long, "w") as archive:
        for number in range(1200):
            info = zipfile.ZipInfo(f"{number}")
            info.extra = struct.pack("<HH", 0x9999, 4000) + bytes(4000)
            archive.writestr(info, b"")
    write(tmp_path / "long.zip", long.getvalue())
    found = read_modestly(tmp_path)
    assert "overlap" in found["overlap"].refused
    assert "list of files" in found["long"].refused


def test_time_is_limited(tmp_path, monkeypatch):
    """What takes too long is given up, what was read before counts. Here a look at the clock takes
    a second.
    """
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    monkeypatch.setattr("kata.grade.intake.caps.time", clock)
    write(
        tmp_path / "ann.tar.bz2", tarred({THREE: WORK, **{f"{i}": WORK for i in range(40)}}, "bz2")
    )
    found = only(tmp_path)
    assert found.files == {3: WORK}
    assert "takes longer than 30 s" in said(found)


def test_programs_are_watched(tmp_path, monkeypatch):
    """A program that hangs, that prints without end, or that fails is ended, with a sentence."""
    monkeypatch.setattr("kata.grade.intake.caps.SECONDS_CAP", 1.0)
    monkeypatch.setattr("kata.grade.intake.caps.UNPACKED_CAP", 1 << 20)
    write(tmp_path / "class" / "ann.tar.zst", ZSTD)
    script = tmp_path / "zstd"
    monkeypatch.setattr(programs.shutil, "which", lambda name: str(script))
    monkeypatch.setattr(programs.sys, "version_info", (3, 11))
    for line in ("sleep 60", "cat /dev/zero | tr '\\0' a", "exit 3", "yes"):
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
        began = time.monotonic()
        assert only(tmp_path / "class").refused
        assert time.monotonic() - began < 10


def test_nothing_is_left_on_the_disk(tmp_path, monkeypatch):
    """Private copies are removed, also of what is damaged."""
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(private))
    for ending, (text, _) in BY_PROGRAM.items():
        write(tmp_path / "class" / f"good{ending}", text)
        write(tmp_path / "class" / f"bad{ending}", text[:-20])
    rows(tmp_path / "class")
    assert list(private.iterdir()) == []


def test_endings():
    """The names of archives, and names that are none."""
    for name in ("a.zip", "a.TAR.GZ", "a.tgz", "a.7z", "a.rar", "a.tar.zst", "a.tzst", "a.zip.txt"):
        assert archives.archive_ending(name), name
    for name in ("zip", "a.gz", "a.zipped", "a.py", "tar"):
        assert not archives.archive_ending(name), name


def test_an_archive_among_files(tmp_path):
    """In a person's folder: the files in `exercises/` count, wherever they lie."""
    found = handed_in(tmp_path, {"all.zip": zipped({f"exercises/{THREE}": WORK}), THREE: b"old"})
    assert found.files == {3: WORK}
    assert "counts, not" in said(found)
