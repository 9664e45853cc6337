"""The students' copy and the archive for Gradescope: what they hold, and that they work."""

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from kata.course.files import find_root
from kata.course.loader import joined_text
from kata.course.steps import GRADED_STEPS, STEPS, step_by_number
from kata.grade.keys import course_hash
from kata.grade.targets import write_autograder, write_student_copy

from .conftest import run_kata

ROOT = find_root()
GUIDANCE = step_by_number(3)


def solution(step):
    return (ROOT / "solutions" / step.file).read_bytes()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A students' copy, whose files no test changes but its own exercises/."""
    folder = tmp_path_factory.mktemp("students") / "copy"
    write_student_copy(ROOT, folder)
    return folder


@pytest.fixture
def in_copy(copy, tmp_path):
    """The `kata` command in the copy, with a cache of its own."""
    where = {"PYTHONPATH": str(copy), "KATA_CACHE": str(tmp_path / "cache")}

    def kata(*arguments):
        run = run_kata(copy, *arguments, **where)
        assert "Traceback" not in run.stderr, run.stderr
        return run

    return kata


def names_in(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_students_copy_holds_no_answers(copy):
    """No solution, mistake, rule or grader; the questions and the stubs; and nothing is
    overwritten.
    """
    names = names_in(copy)
    for hidden in ("solutions/", "tests/mistakes", "tests/alternatives", "tests/contract"):
        assert not [n for n in names if n.startswith(hidden)]
    assert not [n for n in names if n.startswith(("kata/grade", "tests/tools"))]
    criteria = {n.removeprefix("kata/criteria/") for n in names if n.startswith("kata/criteria/")}
    assert {n for n in criteria if not n.startswith("step")} == {"__init__.py", "questions.py"}
    for s in STEPS:
        stub = (ROOT / "exercises" / s.file).read_bytes()
        assert (copy / "exercises" / s.file).read_bytes() == stub
        assert f"tests/{s.test_file}" in names
    run = run_kata(ROOT, "student-copy", str(copy))
    assert (run.returncode, "exists already" in run.stderr) == (2, True)


def test_a_students_copy_lacks_nothing_of_the_package(copy):
    """Every file of the rooms that students use is there, of whatever kind; so are the editor's
    settings.
    """
    here, there = names_in(copy), {p for p in git_files() if (ROOT / p).is_file()}
    left_out = ("kata/grade/", "kata/criteria/", "kata/lab/bench/")
    wanted = {n for n in there if n.startswith("kata/") and not n.startswith(left_out)}
    wanted |= {n for n in there if n.startswith((".vscode/", ".devcontainer/", "checkpoints/"))}
    wanted |= {n for n in there if n.startswith("exercises/")}
    assert not wanted - here


def test_a_students_copy_says_nothing_of_what_it_lacks(copy):
    """No link of its README leads nowhere; no command there needs the solutions."""
    text = (copy / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https:|#)([^)]*)\)", text)
    assert "exercises/README.md" in links
    assert [link for link in links if not (copy / link).exists()] == []
    assert "--impl solutions" not in text
    assert "## Further pages" in text


def what_earns(copy, step, place):
    """Return how many functions and classes of a copy were tried, and what earns points."""
    command = [sys.executable, ROOT / "tests" / "tools" / "solving.py", copy, str(step.number)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(place)}
    environment |= {"KATA_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        command,
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
@pytest.mark.parametrize("step", GRADED_STEPS, ids=lambda step: step.folder)
def test_a_students_copy_holds_nothing_that_solves_a_step(copy, tmp_path, step):
    """No function and no class of it earns a point, or a tenth of a step, whatever it is called."""
    tried, earned = what_earns(copy, step, tmp_path)
    assert tried > 400
    assert [found for found in earned if found[2] >= min(1, step.points / 10)] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
def test_a_solution_in_a_students_copy_would_be_found(tmp_path):
    """Under another name, in the tests."""
    text = solution(GUIDANCE).decode().replace("def guide(", "def _mixed(")
    text = text.replace("guide(", "_mixed(")
    (tmp_path / "copy" / "tests").mkdir(parents=True)
    (tmp_path / "copy" / "tests" / "test_planted.py").write_text(text, encoding="utf-8")
    _, earned = what_earns(tmp_path / "copy", GUIDANCE, tmp_path)
    assert sum(points for _, _, points in earned) == pytest.approx(GUIDANCE.points, abs=0.1)


def git_files():
    listed = ["git", "ls-files"]
    run = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip("needs git: this is no clone")
    return run.stdout.splitlines()


def test_a_students_copy_runs_its_tests(copy):
    """A filled-in step passes without the solutions of the others, and the tests of all steps
    are found.
    """
    file = copy / "exercises" / GUIDANCE.file
    stub = file.read_bytes()
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    def pytest_in_copy(*arguments):
        return subprocess.run(
            [*command, *arguments],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    file.write_bytes(solution(GUIDANCE))
    run = pytest_in_copy(f"tests/{GUIDANCE.test_file}")
    file.write_bytes(stub)
    assert run.returncode == 0, run.stdout[-2000:]
    run = pytest_in_copy("--collect-only")
    assert run.returncode == 0, run.stdout[-2000:]
    assert all(f"tests/{s.test_file}::" in run.stdout for s in STEPS)


def test_a_learners_commands_work_in_a_students_copy(copy, in_copy):
    """Board, check, hint, reset; a mistake gets no diagnosis, and a sentence says why."""
    file = copy / "exercises" / GUIDANCE.file
    mistake = ROOT / "tests" / "mistakes" / "step03" / "scale_from_conditional.py"
    text = joined_text((ROOT / "solutions" / GUIDANCE.file, mistake))
    file.write_text(text, encoding="utf-8")
    run = in_copy("check", "3")
    assert (run.returncode, "Failed: " in run.stdout) == (1, True)
    assert "No diagnosis: solutions/ is not part of this copy." in run.stdout
    run = in_copy("hint", "3")
    assert (run.returncode, "hint 1 of 3" in run.stdout) == (0, True)
    file.write_bytes(solution(GUIDANCE))
    run = in_copy()
    assert (run.returncode, "1 of 10 pass" in run.stdout) == (0, True)
    run = in_copy("reset", "3")
    assert run.returncode == 0
    assert file.read_bytes() == (ROOT / "exercises" / GUIDANCE.file).read_bytes()
    for kept in file.parent.glob("*.bak-*"):
        kept.unlink()


@pytest.mark.parametrize(
    "arguments",
    [
        ("grade", "exercises", "--out", "out"),
        ("student-copy", "out"),
        ("gradescope", "out.zip"),
        ("bench",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_instructors_commands_say_that_they_are_not_there(in_copy, arguments):
    """One sentence, no stack trace."""
    run = in_copy(*arguments)
    assert (run.returncode, "not part of this copy" in run.stderr) == (2, True)


@pytest.mark.slow
def test_what_is_drawn_is_drawn_in_a_students_copy(copy, in_copy, tmp_path):
    """Picture, gallery and demo, by the learner's own steps."""
    stubs = {s: (copy / "exercises" / s.file).read_bytes() for s in STEPS}
    for s in STEPS:
        (copy / "exercises" / s.file).write_bytes(solution(s))
    picture = in_copy("picture", "3", "--no-open", "--out", str(tmp_path / "3.png"))
    gallery = in_copy("gallery", "--no-open", "--out", str(tmp_path / "gallery"))
    demo = in_copy("demo", "--impl", "exercises", "--out", str(tmp_path / "demo"))
    for s, stub in stubs.items():
        (copy / "exercises" / s.file).write_bytes(stub)
    assert picture.returncode == 0, picture.stderr
    assert (tmp_path / "3.png").is_file()
    assert gallery.returncode == 0, gallery.stderr
    assert (tmp_path / "gallery" / "index.html").is_file()
    assert demo.returncode == 0, demo.stdout + demo.stderr


def test_the_autograder_archive_grades(tmp_path):
    """It holds the course and two scripts that are executable; unpacked, it has all that a grade
    depends on.
    """
    archive = tmp_path / "autograder.zip"
    write_autograder(ROOT, archive)
    with zipfile.ZipFile(archive) as packed:
        modes = {i.filename: i.external_attr >> 16 for i in packed.infolist()}
        packed.extractall(tmp_path / "source")
    assert modes["setup.sh"] & modes["run_autograder"] & 0o111
    assert course_hash(tmp_path / "source") == course_hash(ROOT)
    if os.name == "posix":
        for script in ("setup.sh", "run_autograder"):
            subprocess.run(["bash", "-n", tmp_path / "source" / script], check=True)
    run = run_kata(ROOT, "gradescope", str(archive))
    assert (run.returncode, "exists already" in run.stderr) == (2, True)
