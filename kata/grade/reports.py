"""What a run writes besides its results: tables, feedback pages, the class page, results for
Gradescope.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kata.course.steps import GRADED_STEPS, Step, step_by_number
from kata.grade.intake import printable
from kata.grade.output import write_report
from kata.grade.results import GradingRun, StepResult, SubmissionResult, slug
from kata.grade.similarity import Similarity, most_similar
from kata.grade.tables import grades_csv, notes_of, uploads
from kata.pages import render

MOST_MISTAKES = 15
"""How many of the most common mistakes the class page shows."""


def write_reports(folder: Path, run: GradingRun, found: Sequence[SubmissionResult]) -> None:
    """Write every report of a run into its folder, and replace those of before."""
    alike = most_similar(
        {r.name: {s.step: s.fingerprint for s in r.steps if s.fingerprint} for r in found}
    )
    write_report(folder / "grades.csv", grades_csv(found, alike))
    for form, text in uploads(found, run).items():
        write_report(folder / form, text)
    write_report(folder / "report.html", class_page(found, alike, run))
    for result in found:
        if result.status == "not_graded":
            continue
        name = slug(result.name)
        write_report(folder / "feedback" / f"{name}.html", feedback_page(result, run))
        text = json.dumps(gradescope_results(result, run), indent=1) + "\n"
        write_report(folder / "gradescope" / f"{name}.json", text)


def gradescope_results(result: SubmissionResult, run: GradingRun) -> dict[str, Any]:
    """Return a submission's results in the format of Gradescope's autograder, `results.json`."""
    if result.error:
        return {"output": "The grader failed; your instructor will see to it."}
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
                "output": feedback_text(s),
            }
            for s in result.steps
        ],
    }


def feedback_text(s: StepResult) -> str:
    """Return why a step lost points, as lines of plain text."""
    lines = [s.reason] if s.reason else []
    lines += [f"Most likely in {s.concerns}: {s.diagnosis}"] if s.diagnosis else []
    for c in s.criteria:
        if not c.passed:
            lines.append(f"- {c.must} ({c.why})" + (f" Try: {c.hint}" if c.hint else ""))
    return "\n".join(lines) or "Every criterion holds."


def feedback_page(result: SubmissionResult, run: GradingRun) -> str:
    """Return one person's page: the reason for every lost point, and no name of anybody else."""
    steps = [_feedback(s) for s in result.steps]
    name = printable(result.person or result.name)
    return render("feedback.html", name=name, result=result, steps=steps, run=run)


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
    for step in GRADED_STEPS:
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
        if first is not None:
            stuck.setdefault(first, []).append(r)
    return [(step_by_number(n), stuck[n]) for n in sorted(stuck)]
