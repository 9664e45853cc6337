"""Hints help and give nothing away."""

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.course.stubs import stub_text

ROOT = find_root()


def squeezed(line):
    """A line without its spaces, its comment and what case and quotes make different."""
    return "".join(line.partition("#")[0].split()).replace("'", '"').lower()


def written_lines(step):
    """What a learner has to write: the lines that the solution has and its stub has not."""
    solution = (ROOT / "solutions" / step.file).read_text(encoding="utf-8")
    given = {squeezed(line) for line in stub_text(solution, step).splitlines()}
    return {s for line in solution.splitlines() if (s := squeezed(line)) not in given}


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_every_step_has_three_hints_each_longer_in_detail(step):
    """A question first; the lines of what is nearly code fit a terminal of 80 columns."""
    question, _, nearly_code = step.hints
    assert "?" in question
    assert len(set(step.hints)) == 3
    assert all(text.strip() == text for text in step.hints)
    assert max(map(len, nearly_code.splitlines())) <= 78


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_no_hint_holds_a_line_of_the_solution(step):
    """Neither as a line of its own nor within one; lines of a few characters are anybody's."""
    lines = {line for line in written_lines(step) if len(line) >= 12}
    assert lines
    for text in step.hints:
        told = squeezed(text.replace("\n", " "))
        for line in lines:
            assert line.rstrip(":,") not in told, line
