"""Intake: what counts as a submission, whose it is, and what is refused."""

import io
import os
import stat
import sys
import tarfile
import zipfile

import pytest

from kata.course.steps import STEPS
from kata.grade.intake import IntakeError, sources

ONE, THREE = STEPS[0].file, STEPS[2].file


def write(path, text="x = 1\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def packed(path, files):
    """An archive of those files, by the ending of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    else:
        with tarfile.open(
            path, f"w:{path.suffix[1:].replace('tar', '').replace('tgz', 'gz')}"
        ) as archive:
            for name, text in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text))
    return path


def read(folder):
    return {s.name: s.read() for s in sources(folder)}


@pytest.mark.parametrize(
    "place",
    [
        THREE,
        f"exercises/{THREE}",
        f"cfg-kata-main/exercises/{THREE}",
        f"Step 3/{THREE}",
        "lee_12345_step03_guidance-1.py",
        "step03_guidance (2).py",
        "Copy of step03_guidance.py",
        "STEP03_GUIDANCE.PY",
    ],
)
def test_a_step_is_found_where_people_put_it(tmp_path, place):
    """Flat, under exercises/, one folder deeper, and under the names that learning platforms and
    browsers make.
    """
    write(tmp_path / "class" / "ann" / place, "y = 3\n")
    assert read(tmp_path / "class")["ann"].files == {3: b"y = 3\n"}


@pytest.mark.parametrize(
    "place",
    [
        f"solutions/{THREE}",
        f"tests/mistakes/{THREE}",
        "test_step03_guidance.py",
        f"__MACOSX/{THREE}",
        f".git/{THREE}",
        "mystep03_guidance.py",
        "step03_guidance.txt",
        f"a/b/c/d/e/{THREE}",
    ],
)
def test_other_files_are_not_read(tmp_path, place):
    """The course's own files that came along, tests, hidden folders, names that only resemble."""
    write(tmp_path / "class" / "ann" / place)
    write(tmp_path / "class" / "ann" / ONE)
    assert read(tmp_path / "class")["ann"].files.keys() == {1}


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"])
def test_archives_are_read(tmp_path, ending):
    """As if they were folders."""
    packed(tmp_path / f"ann{ending}", {f"x/exercises/{THREE}": b"z = 1\n", "x/notes.txt": b"hm"})
    assert read(tmp_path)["ann"].files == {3: b"z = 1\n"}


def test_files_in_exercises_win_and_the_last_upload_wins(tmp_path):
    """Over copies at the top, and over earlier uploads."""
    write(tmp_path / "ann" / THREE, "old")
    write(tmp_path / "ann" / "exercises" / THREE, "new")
    write(tmp_path / "bob" / "step03_guidance.py", "first")
    write(tmp_path / "bob" / "step03_guidance-2.py", "third")
    write(tmp_path / "bob" / "step03_guidance-1.py", "second")
    found = read(tmp_path)
    assert (found["ann"].files[3], found["bob"].files[3]) == (b"new", b"third")


def test_two_different_texts_are_a_problem(tmp_path):
    """Where nothing tells which is meant; the other steps are graded."""
    write(tmp_path / "ann" / "a" / THREE, "one")
    write(tmp_path / "ann" / "b" / THREE, "two")
    write(tmp_path / "ann" / ONE)
    found = read(tmp_path)["ann"]
    assert "more than once" in found.problems[3]
    assert found.files.keys() == {1}


def test_flat_uploads_are_put_together_by_owner(tmp_path):
    """`lee_12345_678_step03...` and `lee_12345_679_step01...` are one person's; `LATE` is noted."""
    write(tmp_path / "lee_12345_678_step03_guidance-1.py")
    write(tmp_path / "lee_12345_679_step01_embeddings.py")
    write(tmp_path / "kim_LATE_777_680_step01_embeddings.py")
    write(tmp_path / "Ann Roe_99_assignsubmission_file_step02_conditioning.py")
    found = read(tmp_path)
    assert found.keys() == {"lee 12345", "kim 777", "Ann Roe 99"}
    assert found["lee 12345"].files.keys() == {1, 3}
    assert [n for n, s in found.items() if s.late] == ["kim 777"]


def test_a_platforms_folders_lose_their_tail(tmp_path):
    """`Ann Roe_99_assignsubmission_file_` is Ann Roe 99."""
    write(tmp_path / "Ann Roe_99_assignsubmission_file_" / THREE)
    assert read(tmp_path).keys() == {"Ann Roe 99"}


def test_a_single_submission_is_one(tmp_path):
    """A folder that itself holds the files, or exercises/."""
    write(tmp_path / "me" / THREE)
    write(tmp_path / "you" / "exercises" / THREE)
    assert read(tmp_path / "me").keys() == {"me"}
    assert read(tmp_path / "you").keys() == {"you"}


def test_what_is_too_large_or_no_file_is_a_problem(tmp_path):
    """50 MB, a folder of that name, a link, a pipe: that step has a reason, and nothing hangs."""
    ann = tmp_path / "class" / "ann"
    write(ann / ONE, b"#" * 50_000_000)
    (ann / STEPS[1].file).mkdir()
    write(tmp_path / "secret.py", "secret")
    write(ann / STEPS[4].file)
    expected = {1: "larger than 256 kB", 2: "a folder"}
    if os.name == "posix":
        (ann / THREE).symlink_to(tmp_path / "secret.py")
        os.mkfifo(ann / STEPS[3].file)
        expected |= {3: "a link", 4: "no regular file"}
    found = read(tmp_path / "class")["ann"]
    assert found.files.keys() == {5}
    assert found.problems.keys() == expected.keys()
    assert all(words in found.problems[n] for n, words in expected.items())


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_is_no_submission(tmp_path):
    """It is refused by name, and what it leads to is not read."""
    write(tmp_path / "other" / THREE)
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ann").symlink_to(tmp_path / "other")
    write(tmp_path / "class" / "bob" / THREE)
    found = read(tmp_path / "class")
    assert "link" in found["ann"].refused
    assert found["bob"].files


@pytest.mark.parametrize(
    "name", ["../x/" + THREE, "/etc/" + THREE, "a/../../" + THREE, "C:\\" + THREE]
)
@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_an_archive_that_climbs_is_refused(tmp_path, name, ending):
    """Whole, with the name that climbs."""
    packed(tmp_path / f"ann{ending}", {name: b"x", THREE: b"y"})
    assert "climbs out" in read(tmp_path)["ann"].refused


def test_links_in_archives_are_problems(tmp_path):
    """In both kinds."""
    with tarfile.open(tmp_path / "ann.tar", "w") as archive:
        entry = tarfile.TarInfo(THREE)
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    with zipfile.ZipFile(tmp_path / "bob.zip", "w") as archive:
        info = zipfile.ZipInfo(THREE)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert all("link" in s.problems[3] for s in read(tmp_path).values())


def test_bombs_are_refused(tmp_path, monkeypatch):
    """Much in little, very many entries, and one wanted file that is large: little memory, and
    soon.
    """
    monkeypatch.setattr("kata.grade.archives.UNPACKED_CAP", 20 << 20)
    zeros = bytes(1 << 20)
    packed(tmp_path / "large.zip", {f"zeros{i}": zeros for i in range(24)})
    with tarfile.open(tmp_path / "larger.tar.gz", "w:gz", compresslevel=1) as archive:
        entry = tarfile.TarInfo("zeros")
        entry.size = 24 << 20
        archive.addfile(entry, _Zeros())
    packed(tmp_path / "many.zip", {f"{i}": b"" for i in range(20_001)})
    packed(tmp_path / "one.zip", {THREE: bytes(10 << 20)})
    found = read(tmp_path)
    assert "unpack to more" in found["large"].refused
    assert "unpack to more" in found["larger"].refused
    assert "more than" in found["many"].refused
    assert "larger than" in found["one"].problems[3]


class _Zeros(io.RawIOBase):
    def read(self, count=-1):
        return bytes(count)


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.xz", ".tar"])
def test_damaged_archives_are_refused(tmp_path, ending):
    """Garbage, and a good one cut off."""
    write(tmp_path / f"garbage{ending}", os.urandom(5000))
    whole = packed(tmp_path / f"cut{ending}", {THREE: os.urandom(5000)}).read_bytes()
    write(tmp_path / f"cut{ending}", whole[: len(whole) // 2])
    found = read(tmp_path)
    assert found["garbage"].refused
    assert found["cut"].refused
    assert not found["cut"].files


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_odd_names_are_names(tmp_path):
    """Spaces, quotes, markup, formulas, what is no UTF-8."""
    names = [b"=1+1", b"<b>a", b"caf\xe9", "日本".encode(), b"a b'\"c", b"-rf", b"line\nbreak"]
    for name in names:
        folder = os.fsencode(tmp_path) + b"/" + name
        os.mkdir(folder)
        with open(folder + b"/" + os.fsencode(THREE), "wb") as file:
            file.write(b"x = 1\n")
    found = read(tmp_path)
    assert found.keys() == {os.fsdecode(name) for name in names}
    assert all(s.files for s in found.values())


def test_nothing_to_grade_is_said(tmp_path):
    """A folder that is not there, is a file, or is empty."""
    write(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    for name, words in (
        ("absent", "cannot be read"),
        ("file", "cannot be read"),
        ("empty", "no submissions"),
    ):
        with pytest.raises(IntakeError, match=words):
            sources(tmp_path / name)


def test_two_of_one_name_are_refused(tmp_path):
    """A folder and an archive, and names that differ only in case."""
    write(tmp_path / "ann" / THREE)
    packed(tmp_path / "Ann.zip", {THREE: b"x"})
    with pytest.raises(IntakeError, match="two submissions named"):
        sources(tmp_path)


def test_reading_never_raises_for_what_was_handed_in(tmp_path):
    """A folder that is gone when its turn comes."""
    write(tmp_path / "ann" / THREE)
    (source,) = sources(tmp_path)
    (tmp_path / "ann" / THREE).unlink()
    (tmp_path / "ann").rmdir()
    found = source.read()
    assert found.refused
    assert not found.files
