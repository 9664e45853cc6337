"""The loader: any folder, any file, isolated or assembled, and one clear sentence where it
cannot load.
"""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kata.course.files import find_root
from kata.course.loader import Implementation, StepError, unload
from kata.course.steps import STEPS, step_by_number

ROOT = find_root()
BROKEN_GUIDE = "def guide(v_uncond, v_cond, scale):\n    return 'mine'\n"


@pytest.fixture(autouse=True)
def _fresh():
    """Each test loads into an empty table of modules and leaves the run's own as it was."""
    from kata.course import loader

    packages = loader._packages
    kept = {
        name: m for name, m in sys.modules.items() if name.partition(".")[0] in packages.packages
    }
    state = dict(packages.sources), dict(packages.packages)
    unload()
    yield
    unload()
    packages.sources, packages.packages = state
    sys.modules.update(kept)


@pytest.fixture
def folder(tmp_path):
    """A learner's folder with steps 3, 7 and 8, in which step 3 is recognisable."""
    for number in (7, 8):
        shutil.copy(ROOT / "solutions" / step_by_number(number).file, tmp_path)
    (tmp_path / step_by_number(3).file).write_text(
        BROKEN_GUIDE + "def guided_velocity(*a):\n    return guide(*a[:3])\n", encoding="utf-8"
    )
    return tmp_path


def test_isolated_steps_find_the_solutions_below_them(folder):
    """Isolated, step 7 of the folder uses the solution's step 3."""
    sampling = Implementation(folder).module(step_by_number(7))
    assert sampling.__file__ == str(folder / step_by_number(7).file)
    assert sampling.guided_velocity.__code__.co_filename == str(
        ROOT / "solutions" / step_by_number(3).file
    )


def test_assembled_steps_find_their_own_neighbours(folder):
    """Assembled, step 7 of the folder uses the folder's step 3."""
    implementation = Implementation(folder, assembled=True)
    sampling = implementation.module(step_by_number(7))
    assert sampling.guided_velocity.__code__.co_filename == str(folder / step_by_number(3).file)
    assert (
        implementation.module(step_by_number(8)).sample_conditional is sampling.sample_conditional
    )


def test_no_file_is_loaded_twice(folder):
    """Two isolated steps share one copy of the solutions below them."""
    shutil.copy(ROOT / "solutions" / step_by_number(9).file, folder)
    implementation = Implementation(folder)
    steps_8_and_9 = [implementation.module(step_by_number(n)) for n in (8, 9)]
    assert steps_8_and_9[0].sample_conditional is steps_8_and_9[1].sample_conditional
    assert implementation.module(step_by_number(8)) is steps_8_and_9[0]


def test_one_file_with_a_steps_name_is_that_step(folder):
    """Only the step of that file is under test."""
    implementation = Implementation(folder / step_by_number(3).file)
    assert set(implementation.files) == {3}
    assert implementation.module(step_by_number(3)).guide(0, 0, 0) == "mine"


def test_a_file_of_another_name_changes_its_step(tmp_path):
    """In a folder stepNN it is executed after the solution's text, so the rest of the step uses
    the changed piece.
    """
    (tmp_path / "step03").mkdir()
    change = tmp_path / "step03" / "mine.py"
    change.write_text(BROKEN_GUIDE, encoding="utf-8")
    module = Implementation(change).module(step_by_number(3))
    assert module.guided_velocity.__globals__["guide"](0, 0, 0) == "mine"
    assert module.guided_velocity.__code__.co_filename == str(
        ROOT / "solutions" / step_by_number(3).file
    )


def test_a_changed_step_can_be_assembled_with_the_solutions(tmp_path):
    """Assembled, the steps above use the changed one."""
    (tmp_path / "step03").mkdir()
    change = tmp_path / "step03" / "mine.py"
    change.write_text("def guided_velocity(*a):\n    return 'mine'\n", encoding="utf-8")
    implementation = Implementation(change, assembled=True)
    implementation.files.update({7: (ROOT / "solutions" / step_by_number(7).file,)})
    assert implementation.module(step_by_number(7)).guided_velocity() == "mine"


def test_an_edit_within_the_same_second_is_seen(folder):
    """No bytecode is kept, so a file that was saved twice in a second is loaded as it is now."""
    path = folder / step_by_number(3).file
    for answer in ("one", "two"):
        path.write_text(f"def guide():\n    return '{answer}'\n", encoding="utf-8")
        unload()
        assert Implementation(folder).module(step_by_number(3)).guide() == answer
    assert not (folder / "__pycache__").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def guide(:\n", "line 1: syntax error"),
        ("x = 1\nraise KeyError('oops')\n", "does not load: KeyError: 'oops' (line 2 of"),
        ("import sys\nsys.exit(0)\n", "does not load: SystemExit"),
        ("import no_such_module\n", "No module named 'no_such_module'"),
        ("from .step07_sampling import sample\n", "imports step07_sampling, which is not there"),
        ("from step02_conditioning import combine\n", "write `from .step02_conditioning import`"),
        ("\x00", "step03_guidance.py"),
    ],
)
def test_a_step_that_does_not_load_says_why_in_one_sentence(tmp_path, text, sentence):
    """Syntax errors, exceptions, exits and missing modules name the file and the reason."""
    (tmp_path / step_by_number(3).file).write_text(text, encoding="utf-8")
    with pytest.raises(StepError) as caught:
        Implementation(tmp_path).module(step_by_number(3))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


SETTINGS = """
import argparse, os, sys, torch
assert not vars(argparse.ArgumentParser().parse_args())
os.chdir("/")
sys.stdout = sys.stderr = None
torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.set_grad_enabled(False)
torch.set_num_threads(torch.get_num_threads() + 1)
"""


@pytest.mark.parametrize("last", ["", "raise ValueError"])
def test_a_file_sets_nothing_for_the_whole_process(tmp_path, monkeypatch, last):
    """A file that reads its arguments finds none; what it sets is undone, even if it fails."""
    monkeypatch.setattr("sys.argv", ["kata", "check", "3"])
    (tmp_path / step_by_number(3).file).write_text(SETTINGS + BROKEN_GUIDE + last, encoding="utf-8")
    before = _settings()
    with contextlib.suppress(StepError):
        Implementation(tmp_path).module(step_by_number(3))
    assert _settings() == before


def _settings():
    """Return what a step could change for the whole process."""
    return (
        *(sys.argv, Path.cwd(), sys.stdout, sys.stderr, torch.get_default_dtype()),
        *(torch.get_default_device(), torch.is_grad_enabled(), torch.get_num_threads()),
    )


def test_a_missing_neighbour_is_named_as_the_reason(folder):
    """Assembled without step 3, step 7 says which file it misses."""
    (folder / step_by_number(3).file).unlink()
    with pytest.raises(StepError, match=r"imports step03_guidance, which is not there next to it"):
        Implementation(folder, assembled=True).module(step_by_number(7))


def test_a_missing_step_is_named(folder):
    """A folder without a step's file says so, and what to do."""
    with pytest.raises(StepError, match=r"has no step05_model.py: put the file there"):
        Implementation(folder).module(step_by_number(5))


def test_a_missing_name_is_named(folder):
    """A step that lacks one of its functions says which one, when it is used."""
    (folder / step_by_number(3).file).write_text(BROKEN_GUIDE, encoding="utf-8")
    module = Implementation(folder).module(step_by_number(3))
    with pytest.raises(
        AttributeError, match=r"defines no guided_velocity: step 3 is guide, guided_v"
    ):
        _ = module.guided_velocity


def test_targets_that_are_none(tmp_path):
    """Neither a missing path, an empty folder nor a stray file is an implementation."""
    (tmp_path / "notes.py").write_text("", encoding="utf-8")
    for target in (tmp_path / "nowhere", tmp_path, tmp_path / "notes.py"):
        with pytest.raises(StepError, match="--impl"):
            Implementation(target)


def test_without_solutions_everything_is_assembled(tmp_path, monkeypatch):
    """In a students' copy, which has no solutions, the folder's own neighbours are used."""
    copy = tmp_path / "course"
    shutil.copytree(ROOT / "solutions", copy / "exercises")
    (copy / "kata" / "course").mkdir(parents=True)
    (copy / "tests").mkdir()
    monkeypatch.chdir(copy)
    implementation = Implementation("exercises")
    assert implementation.assembled
    for s in STEPS:
        assert implementation.module(s).__file__ == str(copy / "exercises" / s.file)


def test_two_implementations_live_side_by_side(tmp_path):
    """In one process the second implementation is the second one, not the first under another
    name.
    """
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "step02_conditioning.py").write_text(f"combine = {name!r}\n")
    loaded = [Implementation(tmp_path / name, assembled=True) for name in ("a", "b")]
    assert [i.module(step_by_number(2)).combine for i in loaded] == ["a", "b"]
    isolated = [Implementation(tmp_path / name) for name in ("a", "b")]
    assert [i.module(step_by_number(2)).combine for i in isolated] == ["a", "b"]


def test_a_step_in_python_or_a_notebook_is_one_line(course, tmp_path, monkeypatch):
    """From exercises/ as it is now, from any working folder, among the solutions."""
    path = course / "exercises" / step_by_number(3).file
    names: dict = {}
    exec("from kata import load_step\nguide = load_step(3).guide", names)
    with pytest.raises(NotImplementedError, match="step 3: guide"):
        names["guide"](torch.ones(2), torch.zeros(2), 2.0)
    first = names["guide"]
    path.write_text(BROKEN_GUIDE, encoding="utf-8")
    exec("guide = load_step(3).guide", names)
    assert names["guide"](1, 2, 3) == "mine"
    with pytest.raises(NotImplementedError):
        first(torch.ones(2), torch.zeros(2), 2.0)
    (course / "exercises" / "deeper").mkdir()
    monkeypatch.chdir(course / "exercises" / "deeper")
    solution = (course / "solutions" / step_by_number(3).file).resolve()
    assert names["load_step"](3).guide(1, 2, 3) == "mine"
    shutil.copy(course / "solutions" / step_by_number(7).file, course / "exercises")
    found = names["load_step"](7).guided_velocity.__code__.co_filename
    assert found == str(solution)


@pytest.mark.parametrize(
    ("number", "text", "words"),
    [
        (99, None, "There is no step 99: name one from"),
        ("3", None, "There is no step '3': name one from"),
        (3, "def (:\n", "step03_guidance.py, line 1: syntax error"),
        (3, "import nonsense\n", "does not load: ModuleNotFoundError"),
    ],
)
def test_a_step_that_does_not_load_in_python_is_one_sentence(course, number, text, words):
    """The same that the commands say."""
    from kata import load_step

    if text is not None:
        (course / "exercises" / step_by_number(number).file).write_text(text, encoding="utf-8")
    with pytest.raises(StepError) as error:
        load_step(number)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_package_imports_nothing_by_itself():
    """Not even its own rooms, so that a command starts at once."""
    script = "import sys, kata; print([n for n in sys.modules if n.startswith(('kata.', 'torch'))])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
