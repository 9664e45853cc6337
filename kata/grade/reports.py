"""What a run writes besides its results: grades.csv, feedback pages, the class page, results for Gradescope."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kata.course.steps import step_by_number
from kata.grade.intake import printable
from kata.grade.pages import class_page, feedback_page, notes_of
from kata.grade.results import GradingRun, StepResult, SubmissionResult, slug, write_report
from kata.grade.similarity import Similarity, most_similar


def write_reports(folder: Path, run: GradingRun, found: Sequence[SubmissionResult]) -> None:
    """Write every report of a run into its folder, anew."""
    alike = most_similar(
        {r.name: {s.step: s.fingerprint for s in r.steps if s.fingerprint} for r in found}
    )
    write_report(folder / "grades.csv", grades_csv(found, alike))
    write_report(folder / "report.html", class_page(found, alike, run))
    for result in found:
        name = slug(result.name)
        write_report(folder / "feedback" / f"{name}.html", feedback_page(result, run))
        text = json.dumps(gradescope_results(result, run), indent=1) + "\n"
        write_report(folder / "gradescope" / f"{name}.json", text)


def grades_csv(found: Sequence[SubmissionResult], alike: Mapping[str, Similarity]) -> str:
    """One line a submission; points are empty where the grader itself failed. Safe to open in a spreadsheet."""
    numbers = sorted({s.step for r in found for s in r.steps})
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    names = [f"step{n:02d}" for n in numbers]
    table.writerow(
        ["name", "status", "points", "out_of", *names, "assembled"]
        + [f"{name}_assembled" for name in names]
        + ["alike", "alike_to", "alike_to_solutions", "look", "isolation"]
    )
    for r in found:
        by_step = {s.step: s for s in r.steps}
        none = "" if r.error else "0"
        likeness = alike.get(r.name)
        table.writerow(
            [_cell(r.name), r.status, none and f"{r.points:g}", f"{r.out_of:g}"]
            + [f"{by_step[n].points:g}" if n in by_step else none for n in numbers]
            + [none and f"{r.assembled:g}"]
            + [f"{by_step[n].assembled:g}" if n in by_step else none for n in numbers]
            + [
                f"{likeness.share:.2f}" if likeness else "",
                _cell(likeness.other) if likeness else "",
            ]
            + [
                f"{likeness.solutions:.2f}" if likeness else "",
                _cell("; ".join(notes_of(r, likeness))),
                r.isolation + (" (see report.html)" if r.not_prevented else ""),
            ]
        )
    return out.getvalue()


def gradescope_results(result: SubmissionResult, run: GradingRun) -> dict[str, Any]:
    """A submission's results as Gradescope's autograder wants them, `results.json`."""
    if result.error:
        return {"output": f"The grader failed: {result.error}. Your instructor will see to it."}
    lost = "; ".join(run.not_prevented)
    return {
        "score": result.points,
        "output": result.refused
        or f"Isolation: {run.isolation}." + (f" Not prevented: {lost}." if lost else ""),
        "extra_data": {"seed": run.seed, "course": run.course, "assembled": result.assembled},
        "tests": [
            {
                "number": str(s.step),
                "name": step_by_number(s.step).title,
                "score": s.points,
                "max_score": s.out_of,
                "status": "passed" if s.points == s.out_of else "failed",
                "output": _in_words(s),
            }
            for s in result.steps
        ],
    }


def _in_words(s: StepResult) -> str:
    lines = [s.reason] if s.reason else []
    lines += [f"Most likely in {s.concerns}: {s.diagnosis}"] if s.diagnosis else []
    for c in s.criteria:
        if not c.passed:
            lines.append(f"- {c.must} ({c.why})" + (f" Try: {c.hint}" if c.hint else ""))
    return "\n".join(lines) or "Everything that is asked holds."


def _cell(text: str) -> str:
    """A text that a spreadsheet takes for a text: names that look like formulas get an apostrophe."""
    text = printable(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
