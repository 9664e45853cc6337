"""The `kata` command from outside."""

import shutil
import subprocess
import sys

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS

ROOT = find_root()


def kata(*arguments, cwd=ROOT):
    command = [sys.executable, "-c", "from kata.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def course(tmp_path):
    """A small copy of the course, whose exercises are the stubs."""
    for name in ("solutions", "exercises"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "kata" / "course").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path in (tmp_path / "exercises").glob("*.py"):
        path.unlink()
    assert kata("stubs", cwd=tmp_path).returncode == 0
    return tmp_path


def test_stubs_are_checked(course):
    """0 where exercises/ holds the stubs; 2 and the file's name where it does not."""
    assert kata("stubs", "--check", cwd=course).returncode == 0
    with (course / "exercises" / STEPS[4].file).open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    run = kata("stubs", "--check", cwd=course)
    assert run.returncode == 2
    assert STEPS[4].file in run.stderr
    assert "kata stubs" in run.stderr


def test_without_an_address_there_is_no_notebook(course):
    """One sentence says where the address belongs."""
    (course / "pyproject.toml").write_text("[project]\n")
    run = kata("stubs", cwd=course)
    assert (run.returncode, "Repository" in run.stderr) == (2, True)
    assert "Traceback" not in run.stderr


def test_stubs_keep_a_learners_work(course):
    """A filled-in file is kept, and the table says so."""
    solved = course / "exercises" / STEPS[4].file
    shutil.copy(course / "solutions" / STEPS[4].file, solved)
    before = solved.read_bytes()
    run = kata("stubs", cwd=course)
    assert run.returncode == 0
    assert "kept" in run.stdout
    assert solved.read_bytes() == before


def test_without_solutions_there_are_no_stubs_to_write(course):
    """A students' copy says so in one sentence."""
    shutil.rmtree(course / "solutions")
    run = kata("stubs", cwd=course)
    assert (run.returncode, "not here" in run.stderr) == (2, True)


def test_an_unknown_command_is_exit_code_2():
    """With a sentence, and without a stack trace."""
    run = kata("stbus")
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
