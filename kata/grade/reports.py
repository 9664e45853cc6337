"""What a run writes besides its results: grades.csv, feedback pages, the class page, results for
Gradescope.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kata.course.steps import STEPS, Step, step_by_number
from kata.grade.intake import printable
from kata.grade.results import GradingRun, StepResult, SubmissionResult, slug, write_report
from kata.grade.similarity import Similarity, most_similar
from kata.pages import render

LOOK_AT = 0.95
"""The similarity from which on two submissions are worth a look."""

MOST_MISTAKES = 15
"""How many of the most common mistakes the class page shows."""


def write_reports(folder: Path, run: GradingRun, found: Sequence[SubmissionResult]) -> None:
    """Write every report of a run into its folder, and replace those of before."""
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
    """Return one line per submission, safe to open in a spreadsheet.

    The points are empty if the grader itself failed.
    """
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
    """Return a submission's results in the format of Gradescope's autograder, `results.json`."""
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
                "output": _feedback_text(s),
            }
            for s in result.steps
        ],
    }


def _feedback_text(s: StepResult) -> str:
    lines = [s.reason] if s.reason else []
    lines += [f"Most likely in {s.concerns}: {s.diagnosis}"] if s.diagnosis else []
    for c in s.criteria:
        if not c.passed:
            lines.append(f"- {c.must} ({c.why})" + (f" Try: {c.hint}" if c.hint else ""))
    return "\n".join(lines) or "Every criterion holds."


def _cell(text: str) -> str:
    """A text that a spreadsheet reads as text: an apostrophe stands before what looks like a
    formula.
    """
    text = printable(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def notes_of(result: SubmissionResult, alike: Similarity | None) -> list[str]:
    """Return what an instructor should look at in a result; it is empty for most."""
    notes = list(result.notes)
    if result.error:
        notes.insert(0, f"grader error: {result.error}")
    if result.refused:
        notes.insert(0, f"refused: {result.refused}")
    if alike and alike.share >= LOOK_AT:
        notes.append(f"{alike.share:.0%} like {printable(alike.other)}")
    return notes


def feedback_page(result: SubmissionResult, run: GradingRun) -> str:
    """Return one person's page: the reason for every lost point, and no name of anybody else."""
    steps = [_feedback(s) for s in result.steps]
    return render("feedback.html", name=printable(result.name), result=result, steps=steps, run=run)


def _feedback(s: StepResult) -> dict[str, Any]:
    """What the page says of a step. A reason is told once if it is that of all criteria."""
    failed = [c for c in s.criteria if not c.passed]
    reasons = {c.why for c in failed}
    if len(s.criteria) > 1 and {c.why for c in s.criteria} == {s.reason}:
        failed = [replace(c, why="") for c in failed]
    return {
        **vars(s),
        "title": step_by_number(s.step).title,
        "one_reason": s.reason if not failed or len(reasons) == 1 else "",
        "failed": failed,
        "passed": [c for c in s.criteria if c.passed],
    }


def class_page(
    found: Sequence[SubmissionResult], alike: Mapping[str, Similarity], run: GradingRun
) -> str:
    """Return the instructor's page: distribution, steps, mistakes, who is stuck, what needs a
    look.
    """
    graded = [r for r in found if r.status == "graded"]
    notes = [(r, notes) for r in found if (notes := notes_of(r, alike.get(r.name)))]
    notes.sort(key=lambda row: not notes_of(row[0], None))  # what is merely alike comes last
    diagnoses = Counter((s.step, s.diagnosis) for r in graded for s in r.steps if s.diagnosis)
    return render(
        "class.html",
        run=run,
        found=found,
        graded=graded,
        median=sorted(r.points for r in graded)[len(graded) // 2] if graded else 0,
        notes=notes,
        distribution=_distribution(graded),
        steps=_means(graded),
        mistakes=diagnoses.most_common(MOST_MISTAKES),
        stuck=_stuck(graded),
        numbers=sorted({s.step for r in found for s in r.steps}),
        alike=alike,
        slug=slug,
        printable=printable,
    )


def _distribution(graded: Sequence[SubmissionResult]) -> list[dict[str, float]]:
    """How many people have which tenth of the points, the highest first."""
    counts = Counter(min(9, int(10 * r.points / r.out_of)) for r in graded)
    most = max(counts.values(), default=1)
    return [
        {"low": 10 * i, "count": counts[i], "share": counts[i] / most} for i in reversed(range(10))
    ]


def _means(graded: Sequence[SubmissionResult]) -> list[dict[str, Any]]:
    """For each step the mean share of its points, and the numbers of full marks and of missing
    files.
    """
    rows = []
    for step in STEPS:
        if here := [s for r in graded for s in r.steps if s.step == step.number]:
            row = {
                "step": step,
                "mean": sum(s.points / s.out_of for s in here) / len(here),
                "full": sum(s.points == s.out_of for s in here),
                "missing": sum(not s.handed_in for s in here),
            }
            rows.append(row)
    return rows


def _stuck(graded: Sequence[SubmissionResult]) -> list[tuple[Step, list[SubmissionResult]]]:
    """Who is stuck at which step: the first one with less than half of its points."""
    stuck: dict[int, list[SubmissionResult]] = {}
    for r in graded:
        first = next((s.step for s in r.steps if s.points < s.out_of / 2), None)
        if first:
            stuck.setdefault(first, []).append(r)
    return [(step_by_number(n), stuck[n]) for n in sorted(stuck)]
