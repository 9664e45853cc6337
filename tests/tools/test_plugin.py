"""The pytest plugin, as a person sees it from outside."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.course.stubs import write_stubs

ROOT = find_root()


def run_pytest(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_bare_pytest_collects_the_ten_step_files_alone():
    """Nothing but the tests of the steps, and the exercises are what is tested."""
    run = run_pytest("--collect-only", "-q")
    files = {line.partition("::")[0] for line in run.stdout.splitlines() if "::" in line}
    assert files == {f"tests/{s.test_file}" for s in STEPS}
    header = run_pytest("--collect-only").stdout
    assert "under test: exercises/ (isolated" in header
    assert "step10_learned_embeddings.py" in header
    header = run_pytest("--collect-only", "tests/test_step03_guidance.py::test_nothing_is_clamped")
    assert "under test: exercises/step03_guidance.py (isolated" in header.stdout


def test_the_header_says_that_the_final_tests_are_assembled():
    """They let the steps use each other, whatever is named beside them."""
    final = "tests/final/test_digits.py"
    assert "exercises/ (assembled)" in run_pytest("--collect-only", "tests/final").stdout
    header = run_pytest("--collect-only", f"{final}::test_digits_are_drawn_as_asked").stdout
    assert "exercises/ (assembled)" in header
    header = run_pytest("--collect-only", final, "tests/test_step03_guidance.py").stdout
    assert "isolated: " in header
    assert "; in tests/final assembled)" in header


def test_the_solutions_bring_everything_else_along():
    """`--impl solutions` collects the contract and the tools as well."""
    run = run_pytest("--impl", "solutions", "--collect-only", "-q")
    folders = {line.rpartition("/")[0] for line in run.stdout.splitlines() if "::" in line}
    assert {"tests", "tests/contract", "tests/tools"} <= {f.partition("::")[0] for f in folders}


def test_one_file_is_tested_by_its_own_step_alone():
    """With one step's file the other steps' tests are left out."""
    run = run_pytest("--impl", "solutions/step03_guidance.py", "--collect-only", "-q")
    files = {line.partition("::")[0] for line in run.stdout.splitlines() if "::" in line}
    assert files == {"tests/test_step03_guidance.py"}


@pytest.mark.parametrize("target", ["nowhere", "tests/mistakes", "pyproject.toml"])
def test_a_wrong_implementation_is_one_sentence_and_exit_code_2(target):
    """No stack trace of our own."""
    run = run_pytest("--impl", target)
    assert run.returncode == 2
    assert f"--impl {target}: " in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_a_step_that_does_not_load_fails_its_tests_by_one_sentence(tmp_path):
    """Each test of the step fails, none is an error of the collection, and no other step
    suffers.
    """
    for s in STEPS[3:5]:
        (tmp_path / s.file).write_bytes((ROOT / "solutions" / s.file).read_bytes())
    (tmp_path / STEPS[3].file).write_text("def guide(:\n", encoding="utf-8")
    tests = [f"tests/{s.test_file}" for s in STEPS[3:5]]
    run = run_pytest("--impl", str(tmp_path), "-q", *tests)
    assert run.returncode == 1
    assert "line 1: syntax error" in run.stdout
    assert "error" not in run.stdout.splitlines()[-1]
    assert all(
        "step04" not in line for line in run.stdout.splitlines() if line.startswith("FAILED")
    )


def test_an_implementation_outside_of_the_course_is_tested_alike(tmp_path):
    """A path elsewhere does not make pytest lose the course's settings, and nothing is left
    behind.
    """
    path = tmp_path / "step03" / STEPS[3].file
    path.parent.mkdir()
    path.write_bytes((ROOT / "solutions" / STEPS[3].file).read_bytes())
    for target in (path, path.parent):
        command = [sys.executable, "-m", "pytest", "--impl", str(target), "-k", "test_scale", "-q"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == (0 if target == path else 1), run.stdout
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("place", "root"),
    [("link", "--rootdir=LINK"), ("above", ""), ("above", "--rootdir=ABOVE"), ("elsewhere", "")],
)
def test_the_course_is_known_behind_links_and_from_other_folders(tmp_path, place, root):
    """As editors run it, whose workspace is a link to the clone, or the clone's parent folder."""
    above, link = tmp_path / "a folder", tmp_path / "a folder" / "link"
    above.mkdir()
    link.symlink_to(ROOT, target_is_directory=True)
    here = {"link": link, "above": above, "elsewhere": tmp_path}[place]
    path = (Path("tests") if place == "link" else link / "tests") / STEPS[3].test_file
    option = root.replace("LINK", str(link)).replace("ABOVE", str(above))
    test = f"{path}::test_every_channel_is_guided"
    run = run_pytest(*filter(None, [option]), "--impl", str(ROOT / "solutions"), test, cwd=here)
    assert (run.returncode, " passed" in run.stdout.splitlines()[-1]) == (0, True), run.stdout
    assert "solutions/step03_guidance.py (" in run.stdout


def test_other_projects_are_left_alone(tmp_path):
    """In an environment in which the course is installed, the tests of another project run as
    ever.
    """
    (tmp_path / "test_theirs.py").write_text("def test_a(): pass\n", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "step01_embeddings.py").write_text("", encoding="utf-8")
    for settings in ("", "[pytest]\ntestpaths = test_theirs.py\n"):
        if settings:
            (tmp_path / "pytest.ini").write_text(settings, encoding="utf-8")
        run = run_pytest("-v", cwd=tmp_path)
        assert (run.returncode, " 1 passed" in run.stdout.splitlines()[-1]) == (0, True)
        assert "under test:" not in run.stdout
        assert "next:" not in run.stdout


@pytest.mark.parametrize("folder", ["steps", "my steps"])
def test_the_last_line_is_the_next_command(tmp_path, folder):
    """For a person's own steps: the one that fails, else the one after; and nothing for the
    solutions.
    """
    tmp_path = tmp_path / folder
    tmp_path.mkdir()
    for s in STEPS[2:4]:
        (tmp_path / s.file).write_bytes((ROOT / "solutions" / s.file).read_bytes())
    guidance = tmp_path / STEPS[3].file
    right = guidance.read_text(encoding="utf-8")
    select = ["-k", "test_every_channel or test_equal or test_scale_zero"]
    own = ["--impl", str(tmp_path), "tests/test_step03_guidance.py", *select]
    assert (
        run_pytest(*own).stdout.splitlines()[-1]
        == f"next: kata watch 4 --impl {shlex.quote(str(tmp_path))}"
    )
    guidance.write_text(right.replace("v_cond - v_uncond)", "v_cond + v_uncond)"), encoding="utf-8")
    assert (
        run_pytest(*own)
        .stdout.splitlines()[-1]
        .startswith(f"next: kata check 3 --impl {shlex.quote(str(tmp_path))}    {guidance}")
    )
    run = run_pytest("--impl", "solutions", "tests/test_step03_guidance.py", *select)
    assert "next:" not in run.stdout


def test_the_last_line_does_not_lead_back_to_a_step_that_was_skipped(tmp_path):
    """An optional step is the next one only as long as no later step passes any test."""
    write_stubs(ROOT, tmp_path)
    names = "test_fewer_than_one or test_null_class_is or test_combine_changes_no_input"
    run = ["--impl", str(tmp_path), "-q", *(f"tests/{s.test_file}" for s in STEPS[:3])]
    run += ["-k", names]
    assert "next: kata check 0 " in run_pytest(*run).stdout.splitlines()[-1]
    shutil.copy(ROOT / "solutions" / STEPS[1].file, tmp_path)
    assert "next: kata check 2 " in run_pytest(*run).stdout.splitlines()[-1]


def test_assembled_a_missing_step_below_is_the_reason(tmp_path):
    """Said in a sentence instead of a traceback through two files."""
    (tmp_path / STEPS[3].file).write_text(
        "def guided_velocity(*a):\n    raise NotImplementedError('step 3: guided_velocity')\n",
        encoding="utf-8",
    )
    (tmp_path / STEPS[7].file).write_bytes((ROOT / "solutions" / STEPS[7].file).read_bytes())
    tests = ["tests/test_step07_sampling.py", "-x", "-k", "guided or conditional"]
    run = run_pytest("--impl", str(tmp_path), "--assembled", *tests)
    assert run.returncode == 1
    words = "Step 7 uses guided_velocity of step 3, which is not written yet"
    assert words in " ".join(run.stdout.split())
