"""The tables of grades: in a spreadsheet, in a program, and on Canvas, Moodle and Gradescope."""

import csv
import io
import unicodedata

import pytest

from kata.grade.results import NOT_YET, GradingRun, StepResult, SubmissionResult
from kata.grade.tables import cell, grades_csv, uploads

STEPS = (StepResult(1, 7.5, 8.0, 7.5, True), StepResult(2, 0.0, 8.0, 0.0, False))


def result(name, **fields):
    return SubmissionResult(name, "key", 7.5, 100.0, 7.5, **{"steps": STEPS, **fields})


JOSE = result("José Ñandú", person="José Ñandú", identifier="4711", late=True, notes=("two files",))
CLASS = [
    JOSE,
    result("bob", identifier="bob@uni.edu"),
    result("refused", identifier="12", steps=(), refused="it is no zip"),
    result("failed", identifier="13", steps=(), error="the sandbox ended by itself"),
    result("waiting", identifier="14", steps=(), error=NOT_YET),
]


def table(text, key="name"):
    return {row[key]: row for row in csv.DictReader(io.StringIO(text))}


def form(platform, name, key):
    return table(uploads(CLASS, GradingRun(1, "strict", "c", platform=platform))[name], key)


def test_a_spreadsheet_knows_the_encoding_and_a_program_loses_no_column():
    """The mark stands before a column that is a mere number; all others have their plain names."""
    data = grades_csv(CLASS, {}).encode("utf-8")
    assert data.startswith(b"\xef\xbb\xbfno,name,person,identifier,status,points,out_of,step01,")
    rows = table(data.decode("utf-8"))
    assert rows["José Ñandú"]["points"] == rows["José Ñandú"]["step01"] == "7.5"
    assert [row["\ufeffno"] for row in rows.values()] == ["1", "2", "3", "4", "5"]
    assert table(data.decode("utf-8-sig"))["bob"]["no"] == "2"


def test_a_row_says_whose_it_is_and_what_to_look_at():
    """Person, identifier, late, notes; no points where there is no grade."""
    rows = table(grades_csv(CLASS, {}))
    row = rows["José Ñandú"]
    assert (row["person"], row["identifier"], row["late"]) == ("José Ñandú", "4711", "yes")
    assert (row["look"], rows["bob"]["person"], rows["bob"]["late"]) == ("two files", "bob", "")
    assert {name: (r["status"], r["points"], r["step01"]) for name, r in rows.items()} == {
        "José Ñandú": ("graded", "7.5", "7.5"),
        "bob": ("graded", "7.5", "7.5"),
        "refused": ("refused", "7.5", "0"),
        "failed": ("grader_error", "", ""),
        "waiting": ("not_graded", "", ""),
    }
    assert rows["failed"]["look"] == "grader error: the sandbox ended by itself"


def test_names_stay_as_they_were_handed_in():
    """However their accents are written."""
    for form_of_unicode in ("NFC", "NFD"):
        name = unicodedata.normalize(form_of_unicode, "José Ñandú")
        assert name in table(grades_csv([result(name)], {}))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "＝", "＠"])
def test_no_cell_is_a_formula(start):
    """An apostrophe stands before what a spreadsheet would compute."""
    name = f"{start}cmd|' /C calc'!A0"
    assert cell(name) == f"'{name}"
    everyone = [result(name, person=name, identifier=name, notes=(name,))]
    forms = uploads(everyone, GradingRun(1, "strict", "c", platform="canvas"))
    for text in (grades_csv(everyone, {}), *forms.values()):
        for row in csv.reader(io.StringIO(text)):
            assert not [c for c in row if c.strip()[:1] in tuple("=+@＝＠") or c.startswith("-1")]


def test_a_control_character_does_not_reach_a_cell():
    """It is written as an escape."""
    assert cell("a\x1b[31m\rb") == "a\\x1b[31m\\rb"


def test_canvas_takes_its_form():
    """The columns that its importer looks for, the row of possible points, no 0 for a failure."""
    text = uploads(CLASS, GradingRun(1, "strict", "c", platform="canvas"))["upload-canvas.csv"]
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0][:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert (lines[1][0].strip(), lines[1][-1]) == ("Points Possible", "100")
    assert {len(line) for line in lines} == {6}
    assert lines[2] == ["José Ñandú", "4711", "", "", "", "7.5"]
    assert [line[-1] for line in lines[4:]] == ["", "", ""]


def test_moodle_takes_its_form():
    """The three columns that its importer demands, by the names that it compares."""
    rows = form("moodle", "upload-moodle.csv", "Identifier")
    row = rows["Participant 4711"]
    assert (row["Full name"], row["Grade"], row["Maximum Grade"]) == ("José Ñandú", "7.5", "100")
    assert row["Last modified (grade)"] == "-"
    assert [rows[f"Participant {n}"]["Grade"] for n in (12, 13, 14)] == ["", "", ""]


def test_gradescope_gets_its_columns():
    """An identifier is an SID or an address."""
    rows = form("gradescope", "upload-gradescope.csv", "Name")
    assert (rows["José Ñandú"]["SID"], rows["José Ñandú"]["Email"]) == ("4711", "")
    assert (rows["bob"]["SID"], rows["bob"]["Email"]) == ("", "bob@uni.edu")
    assert (rows["failed"]["Total Score"], rows["failed"]["Status"]) == ("", "Ungraded")


@pytest.mark.parametrize("platform", ["moodle", "github", "folders"])
def test_another_platforms_identifier_is_never_taken_for_canvas_own(platform):
    """The number of a participant of Moodle may be somebody else's number on Canvas."""
    rows = form(platform, "upload-canvas.csv", "Student")
    assert {row["ID"] for row in rows.values()} == {""}


def test_an_empty_class_has_tables_too():
    """With headings."""
    assert len(grades_csv([], {}).splitlines()) == 1
    for text in uploads([], GradingRun(1, "strict", "c", platform="canvas")).values():
        assert text
