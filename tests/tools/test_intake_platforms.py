"""The platforms: whose an entry is, by the names that each of them really gives."""

import json
import random
import shutil
import time
import unicodedata

import pytest

from kata.grade.intake import PLATFORMS, IntakeError, read_class, same_name
from kata.grade.intake.dates import last_of, read_date

from .handing_in import ONE, STUB, THREE, WORK, only, people, rows, said, tarred, write, zipped

DATE = "Nov 1, 2025 1015 AM"
LATER = "Nov 2, 2025 915 PM"


def receipt(name, user):
    """What Blackboard writes for every attempt."""
    return (
        f"Name: {name} ({user})\nAssignment: Guidance\nDate Submitted: Saturday, 1 November 2025\n"
    )


def submitters(people_of):
    """The list that Gradescope writes: people by folder, each a name, a number and a mail."""
    lines = ["---"]
    for folder, members in people_of.items():
        lines += [f"{folder}:", "  :submitters:"]
        for name, sid, mail in members:
            lines += [f"  - :name: {name}", f"    :sid: '{sid}'", f"    :email: {mail}"]
        lines += ["  :created_at: 2025-11-01 10:15:00.000000000 Z", "  :score: 10.0"]
    return "\n".join(lines) + "\n"


def test_canvas(tmp_path):
    """`name_LATE_user_upload_file`: uploads of one person are joined, late ones are noted, and
    whatever a person handed in, there is a row.
    """
    write(tmp_path / f"leeann_12345_678_{THREE}")
    write(tmp_path / "leeann_12345_679_step01_embeddings-1.py", b"x = 1\n")
    write(tmp_path / "kimbo_LATE_777_680_exercises-1.zip", zipped({f"exercises/{THREE}": WORK}))
    write(tmp_path / "nils_778_681_text.html", "<p>I pasted my code</p>")
    write(tmp_path / "ole_779_text.html", "<p>I pasted my code</p>")
    write(tmp_path / f"anon_x7Kd2_LATE_682_{THREE}")
    write(tmp_path / f"the_three_780_683_{THREE}.txt")
    found = rows(tmp_path)
    assert read_class(tmp_path).platform == "canvas"
    assert people(tmp_path) == people(tmp_path, "canvas")
    assert people(tmp_path) == [
        ("anon x7Kd2", "x7Kd2", [3]),
        ("kimbo", "777", [3]),
        ("leeann", "12345", [1, 3]),
        ("nils", "778", []),
        ("ole", "779", []),
        ("the_three", "780", [3]),
    ]
    assert {name for name, s in found.items() if s.late} == {"kimbo 777", "anon x7Kd2"}
    assert "2 uploads were joined" in said(found["leeann 12345"])
    assert "text.html" in said(found["nils 778"])


def test_of_two_uploads_of_a_step_the_later_counts(tmp_path):
    """Canvas numbers what it gets; the other upload is named."""
    write(tmp_path / "lee_1_900_exercises.zip", zipped({f"exercises/{THREE}": b"first"}))
    write(tmp_path / f"lee_1_901_{THREE}", b"second")
    found = only(tmp_path)
    assert found.files == {3: b"second"}
    assert "counts, not exercises.zip/exercises/step03_guidance.py" in said(found)


def test_moodle(tmp_path):
    """`Name_participant_assignsubmission_file_`: a folder, or the beginning of a file's name, with
    the text that was typed beside it.
    """
    write(tmp_path / "Ann Roe_99_assignsubmission_file_" / "exercises.zip", zipped({THREE: WORK}))
    write(tmp_path / "Ann Roe_99_assignsubmission_onlinetext_" / "onlinetext.html", "<p>hm</p>")
    write(tmp_path / f"Bo_Lee Li_100_assignsubmission_file_{THREE}")
    write(tmp_path / "Cy Li_101_assignsubmission_onlinetext_onlinetext.html", "<p>hm</p>")
    write(tmp_path / "Participant_102_assignsubmission_file" / THREE)
    expected = [
        ("Ann Roe", "99", [3]),
        ("Bo_Lee Li", "100", [3]),
        ("Cy Li", "101", []),
        ("Participant", "102", [3]),
    ]
    assert people(tmp_path) == people(tmp_path, "moodle") == expected
    assert read_class(tmp_path).platform == "moodle"


def test_blackboard(tmp_path):
    """A receipt names the person; the assignment and the user may have underscores in their names;
    of several attempts the last counts, in any language.
    """

    def attempt(user, date, text, word="attempt"):
        write(tmp_path / f"Lab_1_Guidance20_{user}_{word}_{date}_{THREE}", text)

    attempt("sone", "2025-11-01-10-00-00", b"x = 1")
    write(
        tmp_path / "Lab_1_Guidance20_sone_attempt_2025-11-01-10-00-00.txt", receipt("S One", "sone")
    )
    attempt("s_two", "2025-11-02-12-00-00", b"new")
    attempt("s_two", "2025-11-01-11-00-00", b"old")
    write(
        tmp_path / "Lab_1_Guidance20_s_two_attempt_2025-11-02-12-00-00.txt",
        receipt("S Two", "s_two"),
    )
    attempt("1000004", "2025-11-01-10-00-00", b"old", "poging")
    attempt("1000004", "2025-11-01-10-00-01", b"new", "poging")
    write(
        tmp_path / "Lab_1_Guidance20_sfive_attempt_2025-11-03-10-00-00.txt",
        receipt("S Five", "sfive"),
    )
    expected = [
        ("", "1000004", [3]),
        ("S Five", "sfive", []),
        ("S One", "sone", [3]),
        ("S Two", "s_two", [3]),
    ]
    assert people(tmp_path) == people(tmp_path, "blackboard") == expected
    found = rows(tmp_path)
    assert found["S Two s_two"].files[3] == found["1000004"].files[3] == b"new"
    assert "2025-11-02-12-00-00 counts, not that of 2025-11-01-11-00-00" in said(
        found["S Two s_two"]
    )


def test_users_are_told_from_assignments_without_receipts(tmp_path):
    """By what all names begin with; two people are never joined, however alike their names end."""
    for user in ("ann_lee", "bo_lee", "cy"):
        write(tmp_path / f"Lab_1_{user}_attempt_2025-11-01-10-00-00_{THREE}")
    assert people(tmp_path) == [("", user, [3]) for user in ("ann_lee", "bo_lee", "cy")]


def test_brightspace(tmp_path):
    """`user-folder - Name - date`, as folders, archives or the beginnings of files' names."""
    write(tmp_path / f"12345-67890 - Student One - {DATE}" / THREE, b"old")
    write(tmp_path / f"12345-67890 - Student One - {LATER}" / THREE, b"new")
    write(tmp_path / f"12346-67890 - Anne - Marie - {DATE} - step03_guidance - final.py")
    write(tmp_path / f"12347-67890 - Student Three - {DATE} - exercises.zip", zipped({THREE: WORK}))
    write(tmp_path / f"12348-67890 - Student Four - {DATE}.zip", zipped({THREE: b"old"}))
    write(tmp_path / f"12348-67890 - Student Four - {LATER}.zip", zipped({THREE: b"new"}))
    write(tmp_path / "index.html", "<html></html>")
    expected = [
        ("Anne - Marie", "12346", [3]),
        ("Student Four", "12348", [3]),
        ("Student One", "12345", [3]),
        ("Student Three", "12347", [3]),
    ]
    assert people(tmp_path) == people(tmp_path, "brightspace") == expected
    found = rows(tmp_path)
    assert found["Student One 12345"].files[3] == found["Student Four 12348"].files[3] == b"new"
    assert f"the attempt of {LATER} counts, not that of {DATE}" in said(found["Student One 12345"])
    assert read_class(tmp_path).left == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nov 1, 2025 1015 AM", "Nov 1, 2025 1015 PM"),
        ("Nov 1, 2025 915 AM", "Nov 1, 2025 1200 PM"),
        ("1 nov. 2025 10 h 15", "1 déc. 2025 9 h 15"),
        ("31 août 2025 2215", "1 févr. 2026 0800"),
        ("1. März 2025 0915", "1. Okt. 2025 0815"),
        ("1 de enero de 2025 1015", "1 de agosto de 2025 0915"),
        ("3 mrt. 2025 1015", "1 mei 2025 0915"),
        ("2 fev 2025 1015", "1 out 2025 0915"),
        ("2 gen 2025 10.15", "1 lug 2025 9.15"),
        ("2025-11-01 1015", "2025-11-02 0915"),
        ("31-10-2025 1015", "01-11-2025 0915"),
        ("10-31-2025 1015", "11-01-2025 0915"),
        ("2025年11月1日 1015", "2025年11月2日 0915"),
    ],
)
def test_dates_of_several_languages(tmp_path, one, other):
    """Of two attempts the later one counts, whatever the order of their names."""
    for date, text in ((one, b"old"), (other, b"new")):
        write(tmp_path / f"1-2 - Ann - {date}" / THREE, text)
    assert only(tmp_path).files == {3: b"new"}
    assert last_of([other, one]) == ([other], [])


def test_dates_that_cannot_be_read(tmp_path):
    """One of two: the other counts, and it is said. Both, or an order that is not plain: the texts
    are a problem that names both, unless they are the same.
    """
    write(tmp_path / "1-2 - Ann - Nov 1, 2025 1015 AM" / THREE, b"read")
    write(tmp_path / "1-2 - Ann - 32 Smarch" / THREE, b"not")
    write(tmp_path / "2-2 - Bo - 32 Smarch" / THREE, b"one")
    write(tmp_path / "2-2 - Bo - 33 Smarch" / THREE, b"two")
    write(tmp_path / "3-2 - Cy - 01-11-2025 1015" / THREE, b"one")
    write(tmp_path / "3-2 - Cy - 02-10-2025 1015" / THREE, b"two")
    write(tmp_path / "4-2 - Di - 32 Smarch" / THREE, b"same")
    write(tmp_path / "4-2 - Di - 33 Smarch" / THREE, b"same")
    found = rows(tmp_path)
    assert found["Ann 1"].files == {3: b"read"}
    assert "a date that cannot be read: 32 Smarch" in said(found["Ann 1"])
    for name, dates in (("Bo 2", ("32 Smarch", "33 Smarch")), ("Cy 3", ("01-11", "02-10"))):
        assert all(date in found[name].problems[3] for date in dates)
        assert "cannot be told" in said(found[name])
    assert found["Di 4"].files == {3: b"same"}
    assert read_date("Feb 31, 2025 1015 AM") == (None, None)


def test_an_attempt_without_work_is_said(tmp_path):
    """The last attempt counts; that an earlier one holds a step is for a person to see."""
    write(tmp_path / f"1-2 - Ann - {DATE}" / THREE)
    write(tmp_path / f"1-2 - Ann - {LATER}" / "letter.pdf", b"%PDF")
    found = only(tmp_path)
    assert not found.files
    assert "an earlier one does" in said(found)
    assert "letter.pdf" in said(found)


def test_gradescope(tmp_path):
    """Everybody in the list has a row: members of a group, and those whose folder is missing."""
    listed = {
        "submission_1": [("Student One", "1000001", "one@example.org")],
        "submission_2": [("Student Two", "1000002", "two@x.org"), ("Ñandú", "", "three@x.org")],
        "submission_3": [],
        "submission_4": [("Student Five", "1000005", "five@x.org")],
        "../submission_5": [("Climber", "6", "six@x.org")],
    }
    export = tmp_path / "assignment_7_export"
    write(
        export / "submission_metadata.yml",
        submitters(listed).replace(":submitters:\n  :c", ":submitters: []\n  :c"),
    )
    for number in (1, 2, 3, 6):
        write(export / f"submission_{number}" / THREE)
    expected = [
        ("", "", [3]),
        ("", "", [3]),
        ("Student Five", "1000005", []),
        ("Student One", "1000001", [3]),
        ("Student Two", "1000002", [3]),
        ("Ñandú", "three@x.org", [3]),
    ]
    for folder, platform in ((export, "auto"), (export, "gradescope"), (tmp_path, "auto")):
        assert people(folder, platform) == expected
    found = rows(export)
    assert "group of 2" in said(found["Ñandú three@x.org"])
    assert "names nobody" in said(found["submission_3"])
    assert "No such file" in found["Student Five 1000005"].refused


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a: &a [" + "x," * 9 + "]\n" + "\n".join(f"b{i}: [*a, *a, *a]" for i in range(50)),
        "a: &a {b: 1}\nsubmission_1: {<<: [*a, *a, *a], :submitters: *a}",
        "submission_1: &x {:submitters: [*x]}",
        "submission_1: !!python/object/apply:os.system ['touch /tmp/never']",
        "{submission_1: {:submitters: [1, [2], {:name: [x]}]}, ? [a] : b}",
        "\0\xff not yaml: [",
        "- a list",
        "",
    ],
)
def test_metadata_that_is_no_list_of_submitters(tmp_path, text):
    """Bombs, loops, objects, garbage: the person has a row all the same, and soon."""
    write(tmp_path / "submission_metadata.yml", text)
    write(tmp_path / "submission_1" / THREE)
    began = time.monotonic()
    found = rows(tmp_path)
    assert time.monotonic() - began < 5
    assert [s.files for s in found.values()] == [{3: WORK}]


def test_clones(tmp_path):
    """GitHub Classroom's names begin with the assignment, which the folder of all clones has too;
    Classroom 50 writes the owner into the clone.
    """
    for name in ("guidance-ann-lee", "guidance-bo"):
        write(tmp_path / "guidance-submissions" / name / "exercises" / THREE)
        write(tmp_path / "guidance-submissions" / name / ".git" / "HEAD", "ref: refs/heads/main")
    fifty = tmp_path / "cs-guidance_submissions_2026_11_01_T_10_00_00"
    write(fifty / "cs-guidance-cy" / "exercises" / THREE)
    write(fifty / "cs-guidance-cy" / ".git" / "HEAD", "ref: refs/heads/main")
    write(fifty / "cs-guidance-cy" / ".classroom50.yaml", 'owner:\n  username: "cy-renamed"\n')
    write(fifty / "scores.csv", "username\n")
    expected = [("", "ann-lee", [3]), ("", "bo", [3])]
    assert people(tmp_path / "guidance-submissions") == expected
    assert people(tmp_path / "guidance-submissions", "github") == expected
    assert rows(fifty).keys() == {"cy-renamed"}
    assert read_class(fifty).left == ()
    assert read_class(fifty).platform == "github"


def test_a_chosen_platform_is_the_only_one(tmp_path):
    """What it does not name is left, with the platform's name; plain folders take every name as it
    is; an unknown platform is refused.
    """
    write(tmp_path / f"lee_1_2_{THREE}")
    write(tmp_path / "Ann Roe_99_assignsubmission_file_" / THREE)
    assert people(tmp_path, "canvas") == [("lee", "1", [3])]
    (left,) = read_class(tmp_path, "canvas").left
    assert left.place == "Ann Roe_99_assignsubmission_file_"
    assert "Canvas" in left.why
    assert rows(tmp_path, "folders").keys() == {"Ann Roe_99_assignsubmission_file_"}
    with pytest.raises(IntakeError, match="canvas, moodle"):
        read_class(tmp_path, "webct")


def test_a_download_in_its_own_folder(tmp_path):
    """Unpacked to a folder of its own, which is all there is: its entries are the class."""
    inner = tmp_path / "Course-Guidance-4711"
    for name in ("Ann Roe_99", "Bo Li_100"):
        write(inner / f"{name}_assignsubmission_file_" / THREE)
    assert rows(tmp_path).keys() == {"Ann Roe 99", "Bo Li 100"}


@pytest.mark.parametrize(
    "names",
    [
        [f"lee_1_2_{THREE}", f"kim_3_4_{THREE}"],
        [f"{name}_assignsubmission_file_/{THREE}" for name in ("Ann_1", "Bo_2")],
        [f"1{n}-2 - Ann {n} - {DATE}/{THREE}" for n in range(3)],
    ],
)
def test_a_download_that_is_not_unpacked(tmp_path, names):
    """It is nobody's submission: a sentence says to unpack it."""
    write(tmp_path / "submissions.zip", zipped(dict.fromkeys(names, WORK)))
    with pytest.raises(IntakeError, match="several people: unpack it"):
        read_class(tmp_path)


def make(scheme, folder, number):
    """Hand in for person number `number` as a platform does; return what the row is known by."""
    ident, name = str(20_000 + number), f"Student {number}"
    if scheme == "canvas":
        late = "LATE_" if number % 3 == 0 else ""
        write(folder / f"student{number}_{late}{ident}_{number + 7000}_{THREE}")
    elif scheme == "moodle":
        where = folder / f"{name}_{ident}_assignsubmission_file_"
        write(where / "exercises.zip", zipped({f"exercises/{THREE}": WORK}))
    elif scheme == "blackboard":
        head = f"My_Lab_{ident}_attempt_2025-11-0{number % 9 + 1}-10-00-00"
        write(folder / f"{head}_{THREE}")
        write(folder / f"{head}.txt", receipt(name, ident))
    elif scheme == "brightspace":
        for date in (DATE, LATER):
            write(folder / f"{ident}-4711 - {name} - {date}" / THREE)
    elif scheme == "gradescope":
        write(folder / f"submission_{number}" / THREE)
        path = folder / "submission_metadata.yml"
        before = path.read_text() if path.exists() else "---\n"
        more = submitters({f"submission_{number}": [(name, ident, "a@x.org")]})
        write(path, before + more.removeprefix("---\n"))
    elif scheme == "github":
        write(folder / f"hw-login{ident}" / "exercises" / THREE)
        write(folder / f"hw-login{ident}" / ".git" / "HEAD", "ref: refs/heads/main")
        ident = f"login{ident}"
    else:
        write(folder / f"{name}.tar.gz", tarred({f"x/{THREE}": WORK}, "gz"))
        return name
    return ident


@pytest.mark.parametrize("schemes", [PLATFORMS, *((name,) for name in PLATFORMS)], ids="-".join)
def test_a_class_of_three_hundred(tmp_path, schemes):
    """Of one platform, and of all mixed: a row for everybody, with the step that was handed in,
    nobody twice, nothing left.
    """
    order = random.Random(7).sample(range(300), 300)
    known = [make(schemes[at % len(schemes)], tmp_path, number) for at, number in enumerate(order)]
    write(tmp_path / "Thumbs.db", b"\0")
    read = read_class(tmp_path)
    submissions = [source.read() for source in read.sources]
    assert sorted(s.identifier or s.name for s in submissions) == sorted(known)
    assert all(s.files == {3: WORK} for s in submissions)
    assert len({s.name for s in submissions}) == 300
    assert read.left == ()
    if len(schemes) == 1:
        assert read.platform == schemes[0]
        assert len(read_class(tmp_path, schemes[0]).sources) == 300


def test_three_thousand_entries(tmp_path):
    """Folders, and files of Canvas: a few seconds."""
    for number in range(1500):
        write(tmp_path / f"person {number}" / THREE)
        write(tmp_path / f"student_{number}_{number}_{THREE}")
    began = time.monotonic()
    assert len(read_class(tmp_path).sources) == 3000
    assert time.monotonic() - began < 10
    shutil.rmtree(tmp_path)


def test_the_handout_in_the_class_folder(tmp_path):
    """`exercises/` with untouched stubs, an old version of them too, and a stray step file: people
    are graded, and the strays are named.
    """
    for name in ("student_one", "student_two"):
        write(tmp_path / name / THREE)
    write(tmp_path / "exercises" / THREE, STUB.replace(b"formula", b"old formula"))
    write(tmp_path / "handout.zip", zipped({f"cfg-kata/exercises/{THREE}": STUB}))
    write(tmp_path / ONE, b"x = 1\n")
    write(tmp_path / "tests" / f"test_{THREE}", b"x = 1\n")
    read = read_class(tmp_path)
    assert [s.name for s in read.sources] == ["student_one", "student_two"]
    assert {left.place for left in read.left} == {"exercises", "handout.zip", "tests", ONE}
    assert all(left.why for left in read.left)


@pytest.mark.parametrize("name", ["exercises", "solutions", "tests", "kata", "node_modules"])
@pytest.mark.parametrize("inside", [THREE, f"exercises/{THREE}"])
def test_a_person_with_a_name_of_the_course(tmp_path, name, inside):
    """A folder of that name in which somebody worked is a person's, and an archive too."""
    write(tmp_path / "ann" / THREE)
    write(tmp_path / name / inside)
    assert rows(tmp_path).keys() == {"ann", name}
    assert rows(tmp_path)[name].files == {3: WORK}
    shutil.rmtree(tmp_path / name)
    write(tmp_path / f"{name}.zip", zipped({inside: WORK}))
    assert rows(tmp_path)[name].files == {3: WORK}


def test_five_people_with_names_of_the_course(tmp_path):
    """And nobody else: five rows."""
    names = {"exercises", "solutions", "tests", "kata", "node_modules"}
    for name in names:
        write(tmp_path / name / THREE)
    assert rows(tmp_path).keys() == names


def test_a_single_submission_is_one(tmp_path):
    """A folder that itself holds the files, or `exercises/`, or a whole copy of the course."""
    write(tmp_path / "me" / THREE)
    write(tmp_path / "you" / "exercises" / THREE)
    write(tmp_path / "misnamed" / "Step 3 guidance.py")
    for name in ("pyproject.toml", f"exercises/{THREE}", "my notes/idea.md", "kata/x.py"):
        write(tmp_path / "clone" / name)
    write(tmp_path / "clone" / "my notes" / THREE, b"a draft")
    for name in ("me", "you", "misnamed", "clone"):
        assert rows(tmp_path / name).keys() == {name}
        assert rows(tmp_path / name)[name].files == {3: WORK}


def test_loose_files_of_several_people_are_no_submission(tmp_path):
    """Nothing says whose they are: all are named, also beside a person."""
    names = {"ann_step03_guidance.py", "bob_step03_guidance.py", "cy_step04_label_dropout.py"}
    for name in names:
        write(tmp_path / name)
    with pytest.raises(IntakeError, match=r"ann_step03_guidance\.py, bob.*, cy"):
        read_class(tmp_path)
    write(tmp_path / "di" / THREE)
    read = read_class(tmp_path)
    assert [s.name for s in read.sources] == ["di"]
    assert {left.place for left in read.left} == names
    assert all("whose" in left.why for left in read.left)


def test_every_entry_is_a_row_or_is_named(tmp_path):
    """Hidden ones, loose files, what is no file: named, with a sentence. Litter is passed over."""
    write(tmp_path / "ann" / THREE)
    (tmp_path / "empty").mkdir()
    for name in (".hidden", "notes.txt", "grades.xlsx", THREE, "anna.ipynb"):
        write(tmp_path / name)
    (tmp_path / ".dotted").mkdir()
    for name in (".DS_Store", "._ann", "Thumbs.db", "desktop.ini", "index.html"):
        write(tmp_path / name, b"\0")
    write(tmp_path / "__MACOSX" / THREE)
    read = read_class(tmp_path)
    assert [s.name for s in read.sources] == ["ann", "empty"]
    assert {left.place for left in read.left} == {
        *(".hidden", ".dotted", "notes.txt", "grades.xlsx", THREE, "anna.ipynb"),
    }
    assert "nothing was handed in" in said(rows(tmp_path)["empty"])


def test_names_however_their_accents_are_written(tmp_path):
    """`José` is `José`; names that differ in case or accents alone are two people."""
    name = "José Ñandú"
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    assert same_name(*forms)
    assert same_name("STRASSE", "straße")
    assert not same_name("Jose", "José")
    write(tmp_path / "one" / forms[1] / THREE)
    (source,) = read_class(tmp_path / "one").sources
    assert same_name(source.name, forms[0])
    for folder in ("jose", "José", "Jose", *forms):
        write(tmp_path / "class" / folder / THREE, folder.encode())
    found = rows(tmp_path / "class")
    assert len(found) == 5
    assert {text for s in found.values() for text in s.files.values()} == {
        folder.encode() for folder in ("jose", "José", "Jose", *forms)
    }


def test_a_notebook_of_canvas(tmp_path):
    """Its code cells are the step."""
    cells = [{"cell_type": "code", "source": [WORK.decode()]}]
    write(tmp_path / "lee_1_2_step03_guidance.ipynb", json.dumps({"cells": cells}))
    assert b"guided_velocity" in only(tmp_path).files[3]
