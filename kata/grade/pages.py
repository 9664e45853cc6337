"""The two pages: feedback to hand back to one person, and the class at a glance for the instructor."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape

from kata.course.steps import STEPS, step_by_number
from kata.grade.intake import printable
from kata.grade.results import CriterionResult, GradingRun, StepResult, SubmissionResult, slug
from kata.grade.similarity import Similarity
from kata.pages.page import frame

LOOK_AT = 0.95
"""The likeness from which two submissions are worth a look."""


def feedback_page(result: SubmissionResult, run: GradingRun) -> str:
    """One person's page: points, step by step, with the reason for every lost point and no name of anybody else."""
    if result.error or result.refused:
        lead = "Not graded yet." if result.error else f"It could not be read: {result.refused}."
        return frame(f"Feedback for {printable(result.name)}", lead, "", _footer(run), _STYLE)
    lead = f"{_points(result.points)} of {_points(result.out_of)} points."
    rows = "".join(
        f'<tr><th scope="row"><a href="#step-{s.step}">{s.step}. {escape(step_by_number(s.step).title)}</a></th>'
        f"<td>{_bar(s.points / s.out_of)}</td><td>{_points(s.points)} / {_points(s.out_of)}</td>"
        f"<td>{_points(s.assembled)}</td></tr>"
        for s in result.steps
    )
    body = (
        '<section><div class="wide"><table><thead><tr><th scope="col">step</th><th></th>'
        '<th scope="col">points</th><th scope="col">assembled</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        "<p class=soft>Points come from each step by itself, among right answers to the others. Assembled, beside "
        "them: the same step among your own files.</p></section>"
        + "".join(_step_section(s) for s in result.steps)
    )
    return frame(f"Feedback for {printable(result.name)}", lead, body, _footer(run), _STYLE)


def class_page(
    found: Sequence[SubmissionResult], alike: Mapping[str, Similarity], run: GradingRun
) -> str:
    """The instructor's page: distribution, steps, commonest mistakes, who is stuck where, what needs a look."""
    graded = [r for r in found if r.status == "graded"]
    lead = f"{len(found)} submissions, {len(graded)} graded."
    if graded:
        middle = sorted(r.points for r in graded)[len(graded) // 2]
        lead += f" Median {_points(middle)} of {_points(graded[0].out_of)} points."
    body = (
        _looks(found, alike)
        + _distribution(graded)
        + _steps(graded)
        + _mistakes(graded)
        + _stuck(graded)
        + _everybody(found, alike)
        + _isolation(run)
    )
    footer = f"{_footer(run)} Seed {run.seed}: the same seed gives the same grades; keep it from the class."
    return frame("The class", lead, body, footer, _STYLE)


def notes_of(result: SubmissionResult, alike: Similarity | None) -> list[str]:
    """What an instructor should look at in a result; empty for most."""
    notes = list(result.notes)
    if result.error:
        notes.insert(0, f"grader error: {result.error}")
    if result.refused:
        notes.insert(0, f"refused: {result.refused}")
    if alike and alike.share >= LOOK_AT:
        notes.append(f"{alike.share:.0%} like {printable(alike.other)}")
    return notes


def _step_section(s: StepResult) -> str:
    about = step_by_number(s.step)
    head = (
        f'<section id="step-{s.step}"><h2>{s.step}. {escape(about.title)} '
        f'<span class="soft">{_points(s.points)} / {_points(s.out_of)}</span></h2>'
    )
    parts = [head]
    if s.diagnosis:
        where = f" in <code>{escape(s.concerns)}</code>" if s.concerns else ""
        parts.append(f'<p class="said"><b>Most likely{where}:</b> {escape(s.diagnosis)}</p>')
    failed = [c for c in s.criteria if not c.passed]
    if s.reason and (not failed or len({c.why for c in failed}) == 1):
        parts.append(f"<p>{escape(_sentence(s.reason))}</p>")
    if len(s.criteria) > 1 and {c.why for c in s.criteria} == {s.reason}:
        failed = [replace(c, why="") for c in failed]  # one reason for all of them is told once
    if not s.reason:
        parts.append("<p>Everything that is asked holds.</p>")
    parts.append("<ul class=criteria>" + "".join(map(_criterion, failed)) + "</ul>")
    passed = [c for c in s.criteria if c.passed]
    if passed:
        parts.append(
            f"<details><summary>{len(passed)} of {len(s.criteria)} criteria hold</summary><ul class=criteria>"
            + "".join(map(_criterion, passed))
            + "</ul></details>"
        )
    if s.assembled_reason and s.assembled < s.points:
        parts.append(
            f"<p class=soft>Among your own files it earns {_points(s.assembled)}: "
            f"{escape(s.assembled_reason)}.</p>"
        )
    return "".join(parts) + "</section>"


def _criterion(c: CriterionResult) -> str:
    word, kind = ("holds", "yes") if c.passed else ("missed", "no")
    why = f" <i>{escape(_sentence(c.why))}</i>" if c.why else ""
    hint = f'<br><span class="soft">Try: {escape(c.hint)}</span>' if c.hint else ""
    return f'<li class="{kind}"><b>{word}</b> <span>{escape(c.must)}{why}{hint}</span></li>'


def _looks(found: Sequence[SubmissionResult], alike: Mapping[str, Similarity]) -> str:
    noted = [(r, notes) for r in found if (notes := notes_of(r, alike.get(r.name)))]
    # What went wrong comes before what is merely alike.
    noted.sort(key=lambda row: not notes_of(row[0], None))
    rows = [(_link(r), escape("; ".join(notes))) for r, notes in noted]
    if not rows:
        return "<section><h2>What needs a look</h2><p>Nothing.</p></section>"
    return f"<section><h2>What needs a look</h2>{_table(('submission', 'why'), rows, 'words')}</section>"


def _distribution(graded: Sequence[SubmissionResult]) -> str:
    if not graded:
        return ""
    counts = Counter(min(9, int(10 * r.points / r.out_of)) for r in graded)
    most = max(counts.values())
    rows = [
        (f"{10 * i} to {10 * i + 10}%", _bar(counts[i] / most), str(counts[i]))
        for i in reversed(range(10))
    ]
    return f"<section><h2>Points</h2>{_table(('share of points', '', 'people'), rows)}</section>"


def _steps(graded: Sequence[SubmissionResult]) -> str:
    rows = []
    for s in STEPS:
        here = [r for g in graded for r in g.steps if r.step == s.number]
        if here:
            mean = sum(r.points / r.out_of for r in here) / len(here)
            full = sum(r.points == r.out_of for r in here)
            missing = sum(not r.handed_in for r in here)
            row = (
                f"{s.number}. {escape(s.title)}",
                _bar(mean),
                f"{mean:.0%}",
                str(full),
                str(missing),
            )
            rows.append(row)
    heads = ("step", "", "mean", "full marks", "not handed in")
    return f"<section><h2>Steps</h2>{_table(heads, rows)}</section>" if rows else ""


def _mistakes(graded: Sequence[SubmissionResult]) -> str:
    told = Counter(
        (s.step, s.diagnosis) for r in graded for s in r.steps if s.diagnosis
    ).most_common(15)
    rows = [(str(number), escape(words), str(count)) for (number, words), count in told]
    if not rows:
        return ""
    table = _table(("step", "the commonest mistakes", "people"), rows, "words")
    return f"<section><h2>Mistakes</h2>{table}</section>"


def _stuck(graded: Sequence[SubmissionResult]) -> str:
    """Who got no further than which step: the first one with less than half of its points."""
    stuck: dict[int, list[SubmissionResult]] = {}
    for r in graded:
        first = next((s.step for s in r.steps if s.points < s.out_of / 2), None)
        if first:
            stuck.setdefault(first, []).append(r)
    rows = [
        (f"{n}. {escape(step_by_number(n).title)}", ", ".join(map(_link, stuck[n])))
        for n in sorted(stuck)
    ]
    if not rows:
        return ""
    return f"<section><h2>Stuck at</h2>{_table(('step', 'who'), rows, 'words')}</section>"


def _everybody(found: Sequence[SubmissionResult], alike: Mapping[str, Similarity]) -> str:
    numbers = sorted({s.step for r in found for s in r.steps})
    rows = []
    for r in found:
        by_step = {s.step: s for s in r.steps}
        cells = [_cell(by_step.get(n)) for n in numbers]
        likeness = alike.get(r.name)
        total = _points(r.points) if r.status == "graded" else r.status.replace("_", " ")
        rows.append((_link(r), total, *cells, f"{likeness.share:.0%}" if likeness else ""))
    heads = ("submission", "points", *map(str, numbers), "alike")
    return f"<section><h2>Everybody</h2>{_table(heads, rows, 'grid')}</section>"


def _cell(s: StepResult | None) -> str:
    if s is None:
        return ""
    kind = "yes" if s.points == s.out_of else "no" if s.points == 0 else "part"
    return f'<span class="{kind}" title="{escape(s.reason)}">{_points(s.points)}</span>'


def _isolation(run: GradingRun) -> str:
    items = "".join(
        f'<li class="{"yes" if layer["holds"] else "no"}"><b>{"holds" if layer["holds"] else "not"}</b> '
        f"<span>{escape(str(layer['words']))}</span></li>"
        for layer in run.layers
    )
    return (
        f"<section><h2>Isolation: {escape(run.isolation)}</h2><p>Tried out from inside, before the first submission "
        f'ran.</p><ul class="criteria">{items}</ul></section>'
    )


def _footer(run: GradingRun) -> str:
    lost = "; ".join(run.not_prevented)
    told = f" Not prevented in this run: {lost}." if lost else ""
    return f"Graded by kata {run.versions.get('cfg-kata', '')}, isolation {run.isolation}.{told}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{c}</td>" for c in row[1:]) + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _link(result: SubmissionResult) -> str:
    return (
        f'<a href="feedback/{escape(slug(result.name))}.html">{escape(printable(result.name))}</a>'
    )


def _bar(share: float) -> str:
    return f'<span class="bar"><span style="width:{100 * share:.0f}%"></span></span>'


def _points(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


_STYLE = """
.soft { color: var(--soft); font-weight: 400; }
h2 .soft { font-size: .95rem; white-space: nowrap; }
.bar { display: block; width: 6rem; height: .6rem; background: var(--rule); border-radius: .3rem; overflow: hidden; }
.bar span { display: block; height: 100%; background: var(--yes); }
.said { border-left: .25rem solid var(--no); padding-left: .8rem; }
.criteria { list-style: none; padding: 0; margin: .4rem 0 .8rem; }
.criteria li { display: flex; gap: .8rem; padding: .25rem 0; }
.criteria b { flex: 0 0 4rem; font-weight: 600; }
.criteria span { overflow-wrap: anywhere; }
.yes { color: inherit; } .yes b, span.yes { color: var(--yes); } .no b, span.no { color: var(--no); }
summary { cursor: pointer; color: var(--soft); }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: .2em; }
th a { font-weight: 600; }
tbody th { font-weight: 500; white-space: normal; }
.words td, .words th { text-align: left; white-space: normal; }
.words td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.words td:last-child { width: auto; }
.grid td, .grid th { padding: .3rem .45rem; font-size: .9rem; }
.grid tbody th { max-width: 13rem; overflow: hidden; text-overflow: ellipsis; }
"""
