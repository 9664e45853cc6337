"""The board: read off the files, so that nothing can be lost or go stale."""

import io
import os
import shlex
import shutil
import subprocess
import sys
import unicodedata

import pytest
from rich.console import Console

from kata.course.steps import GRADED_STEPS, STEPS
from kata.learn import board as boards
from kata.learn.board import in_words, run_and_show_board, show_board
from kata.learn.check import say_next
from kata.learn.workspace import Standing, Workspace
from kata.runner.outcomes import Outcome, PytestResult
from kata.runner.records import keep, key_of

PASSED = PytestResult((Outcome("test_a", "passed"),), 0)
FAILED = PytestResult((Outcome("test_a", "failed"), Outcome("test_b", "failed")), 1)


def shown_board(workspaces, width=80):
    console = Console(file=io.StringIO(), width=width)
    show_board(workspaces, console)
    return console.file.getvalue()


def test_a_fresh_course_needs_no_test_to_be_run(course, kata):
    """All stubs: the board is there at once, for it starts nothing."""
    run = kata()
    assert run.returncode == 0
    assert run.stdout.count("not begun") == 22
    assert "0 of 10 pass isolated, 0 of 10 pass assembled." in run.stdout
    assert "next   kata watch 0    exercises/step00_plane.py:" in run.stdout
    assert "or     kata watch 1    step 0 may be skipped" in run.stdout
    assert max(len(line) for line in run.stdout.splitlines()) <= 80


def test_a_fresh_board_imports_no_torch(course, monkeypatch):
    """What takes seconds is left to the processes that run tests."""
    script = "import sys; from kata.cli import app; app([], standalone_mode=False); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"


def test_what_is_missing_is_run_once(course, kata):
    """The tests of a step that was written are run for the first board and recalled for the
    second.
    """
    for number in (2, 9):
        shutil.copy(course / "solutions" / STEPS[number].file, course / "exercises")
    first, second = kata(), kata()
    assert first.stdout == second.stdout
    assert "tests" in first.stderr
    assert second.stderr == ""
    rows = {line.split()[0]: line for line in first.stdout.splitlines()[1:12]}
    assert rows["2"].count("passes") == 2
    assert rows["9"].count("passes") == 1
    assert "needs 3" in rows["9"] or "needs 7" in rows["9"]
    assert "2 of 10 pass isolated, 1 of 10 pass assembled." in first.stdout


def test_an_optional_step_is_offered_until_a_later_one_is_begun(course):
    """Then it is never the current step again, even if it was saved last; it can still be named."""
    workspace = Workspace()
    assert workspace.current() == STEPS[0]
    (course / "exercises" / STEPS[0].file).write_text("x = 1\n", encoding="utf-8")
    assert workspace.current() == STEPS[0]
    (course / "exercises" / STEPS[2].file).write_text("x = 1\n", encoding="utf-8")
    os.utime(course / "exercises" / STEPS[2].file, (0, 0))
    assert workspace.current() == STEPS[2]
    assert "may be skipped" not in shown_board((workspace,))
    assert Workspace("exercises/step00_plane.py").current() == STEPS[0]


def test_nobody_is_sent_back_to_an_optional_step(course, monkeypatch):
    """Neither after another step nor at the end: with all ten done, nothing is left to do."""
    workspace = Workspace()
    assert workspace.after(STEPS[0]) == STEPS[1]
    assert workspace.after(STEPS[10]) == STEPS[1]
    done = {step: Standing(True, PASSED) for step in GRADED_STEPS}
    monkeypatch.setattr(workspace, "standing", lambda step: done.get(step, Standing(False)))
    monkeypatch.setattr(workspace, "written", done.__contains__)
    assert workspace.current() is None
    assert workspace.after(STEPS[10]) is None
    assert "10 of 10 pass isolated." in shown_board((workspace,))


def test_a_step_that_fails_because_of_another_says_so(course, kata):
    """Where steps are tested together; alone, it passes."""
    for number in (3, 7):
        shutil.copy(course / "solutions" / STEPS[number].file, course / "exercises")
    with (course / "exercises" / STEPS[3].file).open("a", encoding="utf-8") as file:
        file.write("\n\ndef guide(v_uncond, v_cond, scale):\n    return v_cond\n")
    rows = {line.split()[0]: line for line in kata().stdout.splitlines()[1:12]}
    assert "passes" in rows["7"]
    assert "because of 3" in rows["7"]
    assert "because" not in rows["3"]


def test_a_step_in_words():
    """Every way in which a step can stand."""
    cases = {
        "not begun": Standing(False),
        "unknown": Standing(True),
        "passes": Standing(True, PASSED),
        "2 fail": Standing(True, FAILED),
        "fails": Standing(True, PytestResult(reason="ended")),
        "needs 3": Standing(True, None, STEPS[3]),
    }
    for words, standing in cases.items():
        assert in_words(standing) == words
        assert standing.passed == (words == "passes")


def test_ctrl_c_shows_what_is_known(course, monkeypatch):
    """And says so."""

    def interrupted(*_):
        raise KeyboardInterrupt

    shutil.copy(course / "solutions" / STEPS[1].file, course / "exercises")
    monkeypatch.setattr(boards, "run_missing", interrupted)
    console = Console(file=io.StringIO(), width=80)
    run_and_show_board((Workspace(),), console, console)
    text = console.file.getvalue()
    assert "unknown" in text
    assert "Stopped by Ctrl-C" in text


@pytest.mark.parametrize("width", [40, 60, 80])
def test_narrow_terminals(course, width):
    """Titles wrap between words, no word or standing is cut, and no line is wider than the
    terminal.
    """
    both = (Workspace(), Workspace(assembled=True))
    lines = shown_board(both, width).splitlines()
    assert all(len(line) <= width for line in lines if not line.startswith(("next", "or ")))
    assert "\n".join(lines).count("not begun") == 22
    words = {word for step in STEPS for word in step.title.split()}
    assert words <= set(" ".join(lines).split())
    assert ("level" in lines[0]) == (width == 80)


def test_no_character_is_of_ambiguous_width(course):
    """Some terminals draw such characters two columns wide, and the table would fall apart."""
    text = shown_board((Workspace(), Workspace(assembled=True)))
    wide = {c for c in text if unicodedata.east_asian_width(c) not in ("Na", "N", "H")}
    assert not wide


def test_an_unwritable_cache_hides_no_result(course, kata, tmp_path):
    """The results are kept for the process, and one sentence says what to do about the folder."""
    shutil.copy(course / "solutions" / STEPS[3].file, course / "exercises")
    (tmp_path / "file").write_text("", encoding="utf-8")
    run = kata(KATA_CACHE=str(tmp_path / "file" / "cache"))
    assert run.returncode == 0, run.stderr
    assert "1 of 10 pass isolated, 1 of 10 pass assembled." in run.stdout
    assert "KATA_CACHE" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_suggested_command_works_in_another_folder(course, tmp_path, monkeypatch):
    """Whatever the paths hold: it is pasted into a shell there."""
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    folder = shutil.copytree(course / "exercises", tmp_path / "it's mine" / "my steps")
    monkeypatch.chdir(elsewhere)
    text = shown_board((Workspace(folder),), width=200)
    command = shlex.split(text.rpartition("next   ")[2].partition("    ")[0])
    assert command == ["kata", "watch", "0", "--impl", str(folder)]
    again = [sys.executable, "-m", "kata", "check", *command[2:]]
    run = subprocess.run(again, cwd=elsewhere, capture_output=True, text=True, check=False)
    assert "Nothing is written here yet" in run.stdout
    assert shlex.quote(str(folder)) in run.stdout


def all_pass(course, assembled=(False, True)):
    """Put the solutions into exercises/, and keep results of theirs that passed."""
    for step in STEPS:
        shutil.copy(course / "solutions" / step.file, course / "exercises")
    workspaces = tuple(Workspace(assembled=way) for way in assembled)
    for workspace in workspaces:
        for step in STEPS:
            keep(key_of(course, workspace.implementation, step), PASSED)
    return workspaces


def test_after_the_last_step_the_board_leads_to_the_end(course):
    """To the final test, which works when pasted; a step that fails assembled comes first."""
    both = all_pass(course)
    text = shown_board(both)
    assert "10 of 10 pass isolated, 10 of 10 pass assembled." in text
    assert text.splitlines()[-1] == "next   pytest tests/final"
    assert "train the steps together" in text
    keep(key_of(course, both[1].implementation, STEPS[7]), FAILED)
    assert "next   kata check 7 --assembled" in shown_board(both).splitlines()[-1]


@pytest.mark.parametrize("assembled", [False, True])
def test_after_the_last_step_a_check_leads_to_the_end(course, assembled):
    """No other check of step 10; a step that does not pass yet comes first."""
    (workspace,) = all_pass(course, [assembled])
    said = io.StringIO()
    say_next(Console(file=said, width=80), workspace, STEPS[10], passed=True)
    assert said.getvalue().splitlines()[-1] == "next   pytest tests/final"
    keep(key_of(course, workspace.implementation, STEPS[3]), FAILED)
    said = io.StringIO()
    say_next(Console(file=said, width=80), workspace, STEPS[10], passed=True)
    assert "next   kata watch 3" in said.getvalue().splitlines()[-1]


def test_the_end_of_a_single_file_is_the_demo(course):
    """The final test wants a folder."""
    all_pass(course)
    file = course / "exercises" / STEPS[10].file
    command = Workspace(file).finish()
    assert command == f"kata demo --impl exercises/{STEPS[10].file}"


def test_the_final_test_is_found_from_another_folder(course, tmp_path, monkeypatch):
    """Both paths are as they must be there."""
    workspace = Workspace(shutil.copytree(course / "exercises", tmp_path / "my steps"))
    monkeypatch.chdir(tmp_path)
    words = shlex.split(workspace.finish())
    assert words == ["pytest", "course/tests/final", "--impl", "my steps"]


def test_no_exercises_is_one_sentence(course, kata):
    """It says what to do."""
    shutil.rmtree(course / "exercises")
    run = kata()
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert "kata stubs" in run.stderr
