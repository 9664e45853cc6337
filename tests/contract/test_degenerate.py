"""Points are for what a step is about: answers that do not do it, and recorded ones, earn next to
nothing.
"""

import os
import re

import pytest

from kata.course.files import find_root
from kata.course.loader import Implementation
from kata.course.steps import GRADED_STEPS
from kata.criteria.questions import ask
from kata.criteria.verdicts import verdicts_on
from kata.grade.judge import share

from .degenerate import DEGENERATE

ROOT = find_root()
by_step = pytest.mark.parametrize("step", GRADED_STEPS, ids=lambda s: s.folder)

AT_MOST = 0.1


@pytest.mark.slow
@by_step
def test_answers_that_do_not_do_what_the_step_is_about_earn_a_tenth(step, answers_of, tmp_path):
    """Constants, inputs, noise, labels ignored, constructors alone, parameters read out."""
    texts = DEGENERATE[step.number]
    assert len(texts) >= 6
    folder = tmp_path / step.folder
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{_plain(name)}.py").write_text(text, encoding="utf-8")
    targets = [folder / f"{_plain(name)}.py" for name in texts]
    solution, *given = answers_of(step, [ROOT / "solutions", *targets])
    earned = {
        name: share(verdicts_on(step, answers, solution, ROOT))
        for name, answers in zip(texts, given, strict=True)
    }
    print(
        *(f"step {step.number:2d}  {points:5.3f}  {name}" for name, points in earned.items()),
        sep="\n",
    )
    assert {name: points for name, points in earned.items() if points > AT_MOST} == {}


@by_step
def test_recorded_answers_earn_nothing(step):
    """What the solution answered under one seed is worth 0 under another."""
    seed = int.from_bytes(os.urandom(7), "big")
    print(f"seed {seed}")
    module = Implementation(ROOT / "solutions").module(step)
    recorded, solution = ask(module, step, seed), ask(module, step, seed + 1)
    assert share(verdicts_on(step, solution, solution, ROOT)) == 1
    assert share(verdicts_on(step, recorded, solution, ROOT)) == 0


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name)
