"""Hints one at a time, the solution when it is due, and a reset that loses nothing."""

import shutil

import pytest
from rich.console import Console

from kata.course.steps import STEPS
from kata.course.stubs import is_untouched
from kata.learn import hints
from kata.learn.hints import reset_step
from kata.learn.workspace import Workspace, WorkspaceError

STEP = STEPS[9]


def test_one_hint_more_each_time(kata):
    """A question, a pointer, nearly code, and that again; --level and --again choose."""
    said = [kata("hint", "9").stdout for _ in range(4)]
    assert ["hint 1 of 3" in said[0], "hint 2 of 3" in said[1], "hint 3 of 3" in said[2]] == [
        True
    ] * 3
    assert said[3] == said[2]
    assert "hint 2 of 3" in kata("hint", "9", "--level", "2").stdout
    assert "hint 1 of 3" in kata("hint", "9", "--again").stdout
    assert "hint 2 of 3" in kata("hint", "9").stdout
    assert "hint 1 of 3" in kata("hint", "8").stdout
    for line in STEP.hints[2].splitlines():
        assert line in said[2]


@pytest.mark.parametrize("arguments", [("hint", "12"), ("hint", "9", "--level", "4"), ("hint",)])
def test_bad_input_is_exit_code_2(kata, arguments):
    """Without a stack trace."""
    run = kata(*arguments)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


def test_the_solution_is_shown_after_it_passes(course, kata):
    """Before that only where it is to be spoilt; as a diff that turns the learner's file into
    the solution.
    """
    path = course / "exercises" / STEP.file
    run = kata("solution", "9")
    assert run.returncode == 1
    assert "--spoil" in run.stdout
    assert "sample_conditional(" not in run.stdout
    spoilt = kata("solution", "9", "--spoil")
    assert spoilt.returncode == 0
    assert '-    raise NotImplementedError("step 9: compare_modes")' in spoilt.stdout
    assert '+        "guided": drawn(target_class, cfg_scale),' in spoilt.stdout
    solution = (course / "solutions" / STEP.file).read_text(encoding="utf-8")
    path.write_text(solution.replace("label: int, scale: float", "label, scale"), encoding="utf-8")
    run = kata("solution", "9")
    assert run.returncode == 0
    assert "+    def drawn(label: int, scale: float) -> Tensor:" in run.stdout
    shutil.rmtree(course / "solutions")
    run = kata("solution", "9", "--spoil")
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)


def test_reset_keeps_what_was_there(course, kata):
    """Each reset under a name of its own, byte for byte; a stub is not kept."""
    path = course / "exercises" / STEP.file
    stub = path.read_bytes()
    for text in (b"first\n", b"second \xff\n"):
        path.write_bytes(text)
        run = kata("reset", "9")
        assert run.returncode == 0, run.stderr
        assert path.read_bytes() == stub
    kept = sorted(path.parent.glob("*.bak-*"))
    assert {p.read_bytes() for p in kept} == {b"first\n", b"second \xff\n"}
    assert "is the stub already" in kata("reset", "9").stdout
    assert sorted(path.parent.glob("*.bak-*")) == kept
    path.unlink()
    assert kata("reset", "9").returncode == 0
    assert path.read_bytes() == stub


@pytest.mark.parametrize("has_solutions", [True, False])
def test_a_byte_order_mark_does_not_stop_a_reset(course, kata, has_solutions):
    """Nor is an untouched stub with one begun; without solutions/ the stub is made from the file
    itself.
    """
    path = course / "exercises" / STEP.file
    stub = path.read_text(encoding="utf-8")
    path.write_text(stub, encoding="utf-8-sig")
    if not has_solutions:
        shutil.rmtree(course / "solutions")
    assert "Nothing is written here yet" in kata("check", "9").stdout
    run = kata("reset", "9")
    assert run.returncode == 0, run.stderr
    assert path.read_bytes() == stub.encode()


def test_without_a_cache_the_next_hint_is_named_by_its_level(kata, tmp_path):
    """How many were given cannot be noted then."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    run = kata("hint", "9", KATA_CACHE=str(tmp_path / "file" / "cache"))
    assert "hint 1 of 3" in run.stdout
    assert "kata hint 9 --level 2" in run.stdout


def test_backups_of_one_second_do_not_overwrite_each_other(course, monkeypatch):
    """Names are counted up."""
    path = course / "exercises" / STEP.file
    for i in range(4):
        path.write_text(f"{i}\n", encoding="utf-8")
        reset_step(Workspace(), STEP, Console(quiet=True))
    kept = {p.read_text(encoding="utf-8") for p in path.parent.glob("*.bak-*")}
    assert kept == {"0\n", "1\n", "2\n", "3\n"}


def test_a_reset_that_cannot_be_written_leaves_the_file(course, monkeypatch):
    """As in a folder that is read-only."""
    path = course / "exercises" / STEP.file
    path.write_text("mine\n", encoding="utf-8")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(hints, "write_atomic", refuse)
    with pytest.raises(WorkspaceError, match="cannot be reset"):
        reset_step(Workspace(), STEP, Console(quiet=True))
    assert path.read_text(encoding="utf-8") == "mine\n"


def test_without_solutions_a_stub_is_made_from_the_file_itself(course, kata):
    """Its bodies are cut; a file that is no Python is left alone."""
    shutil.copy(course / "solutions" / STEP.file, course / "exercises")
    shutil.rmtree(course / "solutions")
    path = course / "exercises" / STEP.file
    assert kata("reset", "9").returncode == 0
    assert is_untouched(path.read_text(encoding="utf-8"))
    path.write_text("def f(:\n", encoding="utf-8")
    run = kata("reset", "9")
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert path.read_text(encoding="utf-8") == "def f(:\n"
