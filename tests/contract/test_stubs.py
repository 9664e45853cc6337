"""Stubs fail for the expected reason, and a filled-in step turns green whatever the others hold."""

import shutil
from textwrap import dedent

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.course.stubs import is_untouched, stale_files, stub_text, write_stubs
from kata.runner.outcomes import PytestJob

ROOT = find_root()

SOLUTION = '''\
    """Lesson."""

    LIMIT = 3


    class A:
        """A class."""

        def f(self, x: int) -> int:
            """Doc.

            More.
            """
            # a comment
            def inner():
                return 1

            return inner()


    def _helper(x):
        return x
    '''

STUB = '''\
    """Lesson."""

    LIMIT = 3


    class A:
        """A class."""

        def f(self, x: int) -> int:
            """Doc.

            More.
            """
            raise NotImplementedError("step 3: A.f")


    def _helper(x):
        raise NotImplementedError("step 3: _helper")
    '''


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    """A folder of untouched stubs, whatever exercises/ holds at the moment."""
    folder = tmp_path_factory.mktemp("stubs")
    write_stubs(ROOT, folder)
    return folder


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_every_test_fails_on_the_stub_and_names_the_step(runner, stubs, step):
    """Each test of a step ends in the NotImplementedError of that step, and in nothing else."""
    result = runner.run(PytestJob(("--impl", str(stubs), f"tests/{step.test_file}")))
    assert result.exit_code == 1, result.reason + result.output
    assert result.outcomes
    for outcome in result.outcomes:
        assert (outcome.outcome, outcome.error) == ("failed", "NotImplementedError"), outcome
        assert f"step {step.number}: " in outcome.message


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_one_solution_among_stubs_turns_its_step_green(runner, stubs, tmp_path, step):
    """A solved step passes although every other file of the folder is still a stub."""
    folder = shutil.copytree(stubs, tmp_path / "exercises")
    shutil.copy(ROOT / "solutions" / step.file, folder)
    result = runner.run(PytestJob(("--impl", str(folder), f"tests/{step.test_file}")))
    assert result.exit_code == 0, result.reason + result.output


def test_worked_on_files_are_never_overwritten(stubs, tmp_path):
    """`kata stubs` writes what is missing or untouched, and leaves a learner's work alone."""
    folder = shutil.copytree(stubs, tmp_path / "exercises")
    done, gone, broken, old = (folder / s.file for s in STEPS[1:5])
    shutil.copy(ROOT / "solutions" / STEPS[1].file, done)
    gone.unlink()
    broken.write_text("def guide(:\n", encoding="utf-8")
    old.write_text(old.read_text(encoding="utf-8").replace("Step 4", "Step four"), encoding="utf-8")
    kept = {path: path.read_text(encoding="utf-8") for path in (done, broken)}
    report = write_stubs(ROOT, folder)
    assert [report[s.file] for s in STEPS[1:6]] == [
        "kept",
        "written",
        "kept",
        "written",
        "up to date",
    ]
    assert all(path.read_text(encoding="utf-8") == text for path, text in kept.items())
    assert gone.exists()


def test_stubs_keep_everything_around_the_bodies():
    """Signatures, docstrings, imports and constants stay byte for byte; helpers and methods are
    cut like the rest.
    """
    solution, stub = dedent(SOLUTION), dedent(STUB)
    assert stub_text(solution, STEPS[3]) == stub


def test_stubs_are_recognised():
    """A derived stub counts as untouched; a solution does not."""
    for step in STEPS:
        solution = (ROOT / "solutions" / step.file).read_text(encoding="utf-8")
        assert is_untouched(stub_text(solution, step))
        assert not is_untouched(solution)


def test_a_byte_order_mark_changes_nothing(stubs, tmp_path):
    """An untouched stub with one is untouched: it is renewed. A file that was worked on is kept
    with it.
    """
    shutil.copytree(
        ROOT / "solutions", tmp_path / "solutions", ignore=shutil.ignore_patterns("__pycache__")
    )
    folder = shutil.copytree(stubs, tmp_path / "exercises")
    shutil.copy(ROOT / "exercises" / "README.md", folder)
    untouched, old, done = (folder / s.file for s in STEPS[1:4])
    text = old.read_text(encoding="utf-8").replace("Step 2", "Step two")
    solution = (ROOT / "solutions" / done.name).read_text(encoding="utf-8")
    untouched.write_text(untouched.read_text(encoding="utf-8"), encoding="utf-8-sig")
    old.write_text(text, encoding="utf-8-sig")
    done.write_text(solution, encoding="utf-8-sig")
    assert is_untouched("\ufeff" + text)
    assert not is_untouched("\ufeff" + solution)
    assert stale_files(tmp_path) == [STEPS[2].file, STEPS[3].file]
    report = write_stubs(ROOT, folder)
    assert [report[s.file] for s in STEPS[1:4]] == ["written", "written", "kept"]
    assert untouched.read_bytes() == (stubs / untouched.name).read_bytes()
    assert done.read_text(encoding="utf-8-sig") == solution


def test_stale_files_are_found(stubs, tmp_path):
    """`kata stubs --check` names exactly the files that are not the stub of their solution."""
    shutil.copytree(
        ROOT / "solutions", tmp_path / "solutions", ignore=shutil.ignore_patterns("__pycache__")
    )
    folder = shutil.copytree(stubs, tmp_path / "exercises")
    shutil.copy(ROOT / "exercises" / "README.md", folder)
    assert stale_files(tmp_path) == []
    (folder / STEPS[7].file).write_text("", encoding="utf-8")
    (folder / STEPS[9].file).unlink()
    (folder / "README.md").write_text("", encoding="utf-8")
    assert stale_files(tmp_path) == [STEPS[7].file, STEPS[9].file, "README.md"]


def test_the_table_of_the_course_map_is_written(stubs, tmp_path):
    """`kata stubs` writes the table between the markers, and leaves the text around it alone."""
    folder = shutil.copytree(stubs, tmp_path / "exercises")
    right = (ROOT / "exercises" / "README.md").read_text(encoding="utf-8")
    assert f"[{STEPS[7].title}]" in right
    wrong = right.replace(f"[{STEPS[7].title}]", "[another title]")
    (folder / "README.md").write_text(wrong, encoding="utf-8")
    assert write_stubs(ROOT, folder)["README.md"] == "written"
    assert (folder / "README.md").read_text(encoding="utf-8") == right
    assert write_stubs(ROOT, folder)["README.md"] == "up to date"
