"""Two questions for a step that passes: asked, remembered, answered by the learner's picture."""

import io
import re
import shutil

import pytest
from rich.console import Console

from kata.course.steps import STEPS, step_by_number
from kata.learn import predict as predicting
from kata.learn.memory import remember, remembered
from kata.learn.predict import predict, predictions
from kata.learn.workspace import Workspace

STEP = step_by_number(9)


@pytest.fixture
def solved(course):
    """A workspace in which one step is solved."""
    shutil.copy(course / "solutions" / STEP.file, course / "exercises" / STEP.file)
    return Workspace()


@pytest.fixture
def asked(solved, monkeypatch):
    """Ask with given replies; return what was printed, with the picture as one line."""
    monkeypatch.setattr(predicting, "draw_step", lambda w, s, console, *_: console.print("PICTURE"))

    def ask(*replies):
        console = Console(file=io.StringIO(), width=80)
        left = iter(replies)
        assert predict(solved, STEP, console, reply=(lambda _: next(left)) if replies else None)
        return console.file.getvalue()

    return ask


def test_the_answers_come_after_the_picture(asked):
    """Both questions, then the picture, then both questions again with their answers."""
    before, after = asked("a few", "no").split("PICTURE")
    for question in STEP.questions:
        assert question.ask in " ".join(before.split())
        assert question.answer not in " ".join(before.split())
        assert question.answer in " ".join(after.split())
    assert "you said: a few" in after
    assert "you said: no" in after


def test_a_prediction_is_remembered_until_it_is_replaced(asked, solved):
    """An empty line keeps what was said before; nobody is asked without a terminal."""
    asked("a few", "")
    assert predictions(solved, STEP) == ["a few", ""]
    asked("", "yes")
    assert predictions(solved, STEP) == ["a few", "yes"]
    assert "you said: a few" in asked()


@pytest.mark.parametrize("kept", [None, 3, [1, 2, 3], ["one"], {"a": 1}])
def test_a_memory_of_another_kind_is_no_prediction(solved, kept):
    """One text per question, whatever the file holds."""
    remember(solved.root, "predictions", STEP, kept)
    found = predictions(solved, STEP)
    assert len(found) == len(STEP.questions)
    assert found[0] in ("", "one")


def test_memory_without_a_folder_lasts_for_the_process(solved, monkeypatch, tmp_path):
    """And says so."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KATA_CACHE", str(tmp_path / "file"))
    assert not remember(solved.root, "predictions", STEP, ["x", "y"])
    assert remembered(solved.root, "predictions", STEP) == ["x", "y"]


def test_a_step_that_fails_is_not_asked_about(kata):
    """Exit code 1 and the next command; a step that is not there: exit code 2."""
    run = kata("predict", "9")
    assert run.returncode == 1
    assert "kata check 9" in run.stdout
    assert kata("predict", "99").returncode == 2


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_questions_and_whys_are_plain(step):
    """Two questions, three whys; no sentence has more than 25 words."""

    assert len(step.questions) == 2
    assert len(step.why) == 3
    assert all(question.ask.endswith("?") for question in step.questions)
    texts = [*step.why, *(text for q in step.questions for text in (q.ask, q.answer))]
    for sentence in re.split(r"(?<=[.?!:;])\s", " ".join(texts)):
        assert len(sentence.split()) <= 25, sentence
