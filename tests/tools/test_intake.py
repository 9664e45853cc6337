"""Intake: which files of a submission are its steps, what is refused, and what is said."""

import os
import sys

import pytest

from kata.course.steps import STEPS
from kata.grade.intake import IntakeError, Source, printable, read_class
from kata.grade.intake.stems import read_file_name

from .handing_in import ONE, STUB, THREE, WORK, handed_in, rows, said, write, zipped


@pytest.mark.parametrize(
    "place",
    [
        THREE,
        f"exercises/{THREE}",
        f"cfg-kata-main/exercises/{THREE}",
        f"Step 3/{THREE}",
        f"home/user/Documents/uni/cfg-kata/exercises/{THREE}",
        "step03_guidance (2).py",
        "step03_guidance-1.py",
    ],
)
def test_a_step_is_found_where_people_put_it(tmp_path, place):
    """Flat, under exercises/, seven folders deep, and under the names that browsers make."""
    found = handed_in(tmp_path, {place: WORK})
    assert found.files == {3: WORK}
    assert found.notes == ()


@pytest.mark.parametrize(
    "place",
    [
        "step03_guidance.py.txt",
        "step03_guidance.py.py",
        "step03_guidance - Copy.py",
        "step03_guidance - Kopie (2).py",
        "Copy of step03_guidance.py",
        "Copia de step03_guidance.py",
        "step3_guidance.py",
        "step003_guidance.py",
        "step03-guidance.py",
        "step03 guidance.py",
        "Step 3 guidance.py",
        "Step03Guidance.py",
        "STEP03_GUIDANCE.PY",
        "step03_guidance_final.py",
        "step03_guidance_ann_roe_2025-11-01.py",
        "ann_roe_step03_guidance.py",
        "lee_12345_step03_guidance-1.py",
        "ｓｔｅｐ03_guidance.py",
        f"solutions/{THREE}",
        f"tests/{THREE}",
        f"kata/exercises/{THREE}",
        f"kata/{THREE}",
        f".hidden/{THREE}",
    ],
)
def test_misnamed_and_misplaced_files_are_taken(tmp_path, place):
    """Where it is plain what is meant, with a note that names the file."""
    found = handed_in(tmp_path, {place: WORK})
    assert found.files == {3: WORK}
    assert any(place in note and "step 3" in note for note in found.notes)


@pytest.mark.parametrize(
    "place", ["step3.py", "guidance.py", "mystep03_guidance.py", "step03.txt", "step03_guidance"]
)
def test_a_name_that_only_hints_needs_the_right_content(tmp_path, place):
    """A file that defines all names of the step is it; another one is named."""
    assert handed_in(tmp_path / "one", {place: WORK}).files == {3: WORK}
    found = handed_in(tmp_path / "two", {place: b"def guide(): return 3\n"})
    assert not found.files
    assert place in said(found)


@pytest.mark.parametrize(
    "place",
    [
        "test_step03_guidance.py",
        f".git/{THREE}",
        f"__pycache__/{THREE}",
        f"venv/lib/{THREE}",
        f"{THREE}.bak",
        f"{THREE}~",
        f"{THREE}.orig",
        f"{THREE}.bak-20251101-100000",
        ".ipynb_checkpoints/step03_guidance-checkpoint.ipynb",
        "step03_guidance.docx",
        "step03_guidance.pyc",
        f"__MACOSX/._{THREE}",
        "/".join("abcdefghijklmnopq") + f"/{THREE}",
    ],
)
def test_other_files_are_not_taken(tmp_path, place):
    """Tests, backups, what tools left behind, other kinds of files, what lies too deep."""
    found = handed_in(tmp_path, {place: WORK, ONE: WORK})
    assert found.files.keys() == {1}


@pytest.mark.parametrize(
    "place", [f"{THREE}.bak", f"{THREE}~", f"{THREE}.orig", "helpers.py", "my.ipynb"]
)
def test_what_is_not_taken_is_named(tmp_path, place):
    """Backups, other Python files, notebooks without a step; not the course's own files."""
    found = handed_in(
        tmp_path, {place: WORK, THREE: WORK, f"tests/test_{THREE}": b"", "kata/x.py": b""}
    )
    assert found.files == {3: WORK}
    assert place in said(found)
    assert "kata/x.py" not in said(found)


def test_a_submission_without_a_step_says_what_was_seen(tmp_path):
    """By name, the first five."""
    found = handed_in(tmp_path, {f"letter{number}.pdf": b"%PDF" for number in range(8)})
    assert not found.files
    assert not found.refused
    assert "seen and not taken: letter0.pdf" in said(found)
    assert "and 3 more" in said(found)


def test_an_optional_step_is_left_out_without_a_note(tmp_path):
    """It earns no points: nothing is said about it, even if it was handed in twice."""
    optional = b"def walk_back(): return 0\n"
    for place in (STEPS[0].file, f"home/exercises/{STEPS[0].file}", "step00_plane (2).py"):
        found = handed_in(tmp_path / place.replace("/", "-"), {THREE: WORK, place: optional})
        assert (found.files.keys(), found.problems, found.notes) == ({3}, {}, ())
    found = handed_in(
        tmp_path / "two", {THREE: WORK, f"a/{STEPS[0].file}": b"1", f"b/{STEPS[0].file}": b"2"}
    )
    assert (found.files.keys(), found.problems, found.notes) == ({3}, {}, ())
    alone = handed_in(tmp_path / "alone", {STEPS[0].file: optional})
    assert alone.files == {}
    assert f"seen and not taken: {STEPS[0].file}" in said(alone)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (f"exercises/{THREE}", THREE),
        ("step03_guidance-2.py", "step03_guidance-1.py"),
        ("step03_guidance (1).py", THREE),
        ("step03_guidance (10).py", "step03_guidance (9).py"),
        (THREE, "step03_guidance - Copy.py"),
        (THREE, "step03_guidance_old.py"),
        (THREE, "step3_guidance.py"),
        (THREE, f"solutions/{THREE}"),
        (THREE, f".history/{THREE}"),
        (THREE, f"a/b/{THREE}"),
        ("step03_guidance_final.py", f"kata/{THREE}"),
        (f"clone/kata/exercises/{THREE}", f"clone/solutions/{THREE}"),
    ],
)
def test_of_several_the_intended_one_counts(tmp_path, better, worse):
    """By place, by name, and by the number of the upload; the other one is named."""
    found = handed_in(tmp_path, {better: WORK, worse: b"x = 1\n"})
    assert found.files == {3: WORK}
    assert f"step 3: {better} counts, not {worse}" in said(found)


def test_an_untouched_stub_never_wins(tmp_path):
    """Whoever works beside `exercises/` leaves stubs there; identical copies are no matter."""
    found = handed_in(tmp_path / "one", {f"exercises/{THREE}": STUB, "step03 guidance.py": WORK})
    assert found.files == {3: WORK}
    found = handed_in(tmp_path / "two", {f"exercises/{THREE}": STUB, THREE: STUB})
    assert found.files == {3: STUB}
    assert found.notes == ()


def test_two_different_texts_are_a_problem(tmp_path):
    """If nothing tells which is meant: both are named, and the other steps count."""
    found = handed_in(tmp_path, {f"a/{THREE}": b"one", f"b/{THREE}": b"two", ONE: WORK})
    assert found.files.keys() == {1}
    assert f"a/{THREE}, b/{THREE}" in found.problems[3]
    found = handed_in(tmp_path / "x", {"step03_guidance_a.py": b"1", "step03_guidance_b.py": b"2"})
    assert "more than once" in found.problems[3]


def test_what_is_too_large_or_no_file_is_a_problem(tmp_path):
    """50 MB, a folder of that name, a link, a pipe: that step has a reason, and nothing hangs."""
    ann = tmp_path / "class" / "ann"
    write(ann / ONE, b"#" * 50_000_000)
    (ann / STEPS[2].file).mkdir()
    write(tmp_path / "secret.py", "secret")
    write(ann / STEPS[5].file)
    expected = {1: "larger than 256 kB", 2: "a folder"}
    if os.name == "posix":
        (ann / THREE).symlink_to(tmp_path / "secret.py")
        os.mkfifo(ann / STEPS[4].file)
        expected |= {3: "a link", 4: "no regular file"}
    found = rows(tmp_path / "class")["ann"]
    assert found.files.keys() == {5}
    assert found.problems.keys() == expected.keys()
    assert all(words in found.problems[n] for n, words in expected.items())


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_is_no_submission(tmp_path):
    """It is a row that is refused, and what it leads to is not read, at the top or below."""
    write(tmp_path / "other" / THREE)
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ann").symlink_to(tmp_path / "other")
    write(tmp_path / "class" / "bob" / ONE)
    (tmp_path / "class" / "bob" / "exercises").symlink_to(tmp_path / "other")
    found = rows(tmp_path / "class")
    assert "link" in found["ann"].refused
    assert found["bob"].files == {1: WORK}
    assert "exercises: it is a link" in said(found["bob"])


def test_very_many_files(tmp_path, monkeypatch):
    """The files near the top are read, the rest is given up, and both are said."""
    monkeypatch.setattr("kata.grade.intake.caps.ENTRIES_CAP", 100)
    write(tmp_path / "class" / "ann" / THREE)
    for number in range(200):
        write(tmp_path / "class" / "ann" / "many" / str(number))
    found = rows(tmp_path / "class")["ann"]
    assert found.files == {3: WORK}
    assert "more than 100 files" in said(found)


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_odd_names_are_names(tmp_path):
    """Spaces, quotes, markup, formulas, what is no UTF-8, 255 bytes, control characters: rows, and
    whatever is shown of them is printable.
    """
    names = [b"=1+1", b"<b>a", b"caf\xe9", "日本".encode(), b"a b'\"c", b"-rf", b"a" * 255]
    names += ["é".encode() * 127, b"line\nbreak", b"\x1b[31mred\x07", "\u202eltr".encode()]
    for name in names:
        folder = os.fsencode(tmp_path) + b"/" + name
        os.mkdir(folder)
        for inner in (
            os.fsencode(THREE),
            b"\x1b]0;title\x07 step04_label_dropout.py",
            b"\xff\x1b.py",
        ):
            with open(folder + b"/" + inner, "wb") as file:
                file.write(b"x = 1\n")
    found = rows(tmp_path)
    assert found.keys() == {printable(os.fsdecode(name)) for name in names}
    for one in found.values():
        assert one.files.keys() == {3, 4}
        assert all(text.isprintable() for text in (one.name, *one.notes))
    write(tmp_path / "\x1b[2J", b"loose")
    assert all(left.place.isprintable() for left in read_class(tmp_path).left)


def test_nothing_to_grade_is_said(tmp_path):
    """A folder that is not there, is a file or an archive, is empty, or holds nobody's files."""
    write(tmp_path / "file")
    write(tmp_path / "class.zip", zipped({THREE: WORK}))
    (tmp_path / "empty").mkdir()
    write(tmp_path / "loose" / "letter.pdf")
    for name, words in (
        ("absent", "cannot be read"),
        ("file", "cannot be read"),
        ("class.zip", "unpack it first"),
        ("empty", "no submissions"),
        ("loose", "letter.pdf"),
    ):
        with pytest.raises(IntakeError, match=words):
            read_class(tmp_path / name)


def test_a_class_of_one(tmp_path):
    """One folder, or one archive, is one person."""
    write(tmp_path / "one" / "ann" / THREE)
    write(tmp_path / "two" / "ann.zip", zipped({THREE: WORK}))
    assert rows(tmp_path / "one").keys() == rows(tmp_path / "two").keys() == {"ann"}


def test_two_of_one_name_are_told_apart(tmp_path):
    """A folder and archives, and names that differ in case: by their places, with a note."""
    write(tmp_path / "ann" / THREE, b"1")
    write(tmp_path / "Ann.zip", zipped({THREE: b"2"}))
    write(tmp_path / "ann.tar", zipped({THREE: b"3"}))
    write(tmp_path / "bob" / THREE)
    found = rows(tmp_path)
    assert found.keys() == {"ann (ann)", "Ann (Ann.zip)", "ann (ann.tar)", "bob"}
    assert {s.files[3] for s in found.values()} == {b"1", b"2", b"3", WORK}
    assert all("more than one" in said(s) for name, s in found.items() if name != "bob")
    assert found["bob"].notes == ()


def test_reading_never_raises_for_what_was_handed_in(tmp_path):
    """A folder that is gone when its turn comes, or that may not be read."""
    write(tmp_path / "ann" / THREE)
    (source,) = read_class(tmp_path).sources
    assert isinstance(source, Source)
    (tmp_path / "ann" / THREE).unlink()
    (tmp_path / "ann").rmdir()
    found = source.read()
    assert "No such file" in found.refused
    assert not found.files


def test_notes_are_of_a_bearable_length(tmp_path):
    """However much is odd about a submission."""
    files = {f"{'long' * 50}{n}/{step.name} {n}.py": b"x" for n in range(9) for step in STEPS}
    found = handed_in(tmp_path, {**files, **{f"{n}.zip": b"" for n in range(99)}})
    assert len(found.notes) <= 21
    assert all(len(note) <= 500 for note in found.notes)


def test_names_of_files():
    """The course's own names are exact; a number after them is a further upload's."""
    for step in STEPS:
        named = read_file_name(step.file)
        assert (named.role, named.step, named.exact, named.again) == ("step", step, True, 0)
        assert read_file_name(f"{step.name}-12.py").again == 12
        assert read_file_name(step.test_file).role == "other"
