"""Grades as tables: grades.csv, and the forms in which learning platforms take grades."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from kata.grade.intake import printable
from kata.grade.results import GradingRun, SubmissionResult
from kata.grade.similarity import Similarity

BYTE_ORDER_MARK = "\ufeff"
"""By this a spreadsheet knows that a file is UTF-8."""

LOOK_AT = 0.95
"""The similarity from which on two submissions are worth a look."""

ASSIGNMENT = "cfg-kata"
"""The heading of the grades for Canvas, where the assignment's own name belongs."""


def grades_csv(found: Sequence[SubmissionResult], alike: Mapping[str, Similarity]) -> str:
    """Return one line per submission, safe to open in a spreadsheet.

    The first column is a mere number: programs that take the byte-order mark for a part of its name
    lose nothing. The points are empty where there is no grade, because the grader failed or has not
    come so far.
    """
    numbers = sorted({s.step for r in found for s in r.steps})
    names = [f"step{n:02d}" for n in numbers]
    heading = ["no", "name", "person", "identifier", "status", "points", "out_of", *names, "late"]
    heading += ["assembled", *(f"{name}_assembled" for name in names)]
    heading += ["alike", "alike_to", "alike_to_solutions", "look", "isolation"]
    lines = []
    for number, r in enumerate(found, start=1):
        by_step = {s.step: s for s in r.steps}
        none = "" if r.error else "0"
        likeness = alike.get(r.name)
        line = [str(number), cell(r.name), cell(r.person or r.name), cell(r.identifier), r.status]
        line += [none and f"{r.points:g}", f"{r.out_of:g}"]
        line += [f"{by_step[n].points:g}" if n in by_step else none for n in numbers]
        line += ["yes" if r.late else "", none and f"{r.assembled:g}"]
        line += [f"{by_step[n].assembled:g}" if n in by_step else none for n in numbers]
        line += (
            [f"{likeness.share:.2f}", cell(likeness.other), f"{likeness.solutions:.2f}"]
            if likeness
            else ["", "", ""]
        )
        line += [cell("; ".join(notes_of(r, likeness)))]
        line += [r.isolation + (" (see report.html)" if r.not_prevented else "")]
        lines.append(line)
    return BYTE_ORDER_MARK + _csv([heading, *lines])


def uploads(found: Sequence[SubmissionResult], run: GradingRun) -> dict[str, str]:
    """Return the forms for Canvas, Moodle and Gradescope, by the names of their files.

    A form has identifiers only if the class came from that platform. Who has no grade has no
    points.
    """
    return {
        "upload-canvas.csv": _csv(_canvas(found, run.platform)),
        "upload-moodle.csv": _csv(_moodle(found, run.platform)),
        "upload-gradescope.csv": _csv(_gradescope(found, run.platform)),
    }


def _canvas(found: Sequence[SubmissionResult], platform: str) -> Iterable[list[str]]:
    """The columns that Canvas exports; `lib/gradebook_importer.rb` of canvas-lms reads them."""
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", ASSIGNMENT]
    yield ["    Points Possible", "", "", "", "", f"{found[0].out_of:g}" if found else ""]
    for r in found:
        yield [_person(r), _identifier(r, platform == "canvas"), "", "", "", _points(r)]


def _moodle(found: Sequence[SubmissionResult], platform: str) -> Iterable[list[str]]:
    """The columns of Moodle's grading worksheet; `mod/assign/feedback/offline` reads them."""
    yield [
        *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade"),
        *("Grade can be changed", "Last modified (submission)", "Last modified (grade)"),
    ]
    for r in found:
        number = _identifier(r, platform == "moodle")
        participant = f"Participant {number}" if number else ""
        status = "Submitted for grading" + (" - late" if r.late else "")
        yield [participant, _person(r), "", status, _points(r), f"{r.out_of:g}", "Yes", "-", "-"]


def _gradescope(found: Sequence[SubmissionResult], platform: str) -> Iterable[list[str]]:
    """The columns of the grades that Gradescope exports."""
    yield ["Name", "SID", "Email", "Total Score", "Max Points", "Status"]
    for r in found:
        who = _identifier(r, platform == "gradescope")
        by_mail = "@" in who
        status = "Graded" if _points(r) else "Ungraded"
        yield [
            *(_person(r), "" if by_mail else who, who if by_mail else ""),
            *(_points(r), f"{r.out_of:g}", status),
        ]


def _person(r: SubmissionResult) -> str:
    return cell(r.person or r.name)


def _identifier(r: SubmissionResult, known: bool) -> str:
    return cell(r.identifier) if known else ""


def _points(r: SubmissionResult) -> str:
    return f"{r.points:g}" if r.status == "graded" else ""


def _csv(lines: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def cell(text: str) -> str:
    """Return a text that a spreadsheet reads as text: an apostrophe stands before what looks like a
    formula.
    """
    text = printable(text)
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@＝＋－＠") else text


def notes_of(result: SubmissionResult, alike: Similarity | None) -> list[str]:
    """Return what an instructor should look at in a result; it is empty for most."""
    notes = list(result.notes)
    if result.status == "not_graded":
        notes.insert(0, result.error)
    elif result.error:
        notes.insert(0, f"grader error: {result.error}")
    if result.refused:
        notes.insert(0, f"refused: {result.refused}")
    if alike and alike.share >= LOOK_AT:
        notes.append(f"{alike.share:.0%} like {alike.other}")
    return [printable(note) for note in notes]
