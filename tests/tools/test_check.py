"""`kata check`: every way in which a step can fail is told in words, and nothing that a step
does can harm it.
"""

import io
import os
import re
import shutil
import subprocess
import sys

import pytest
from rich.console import Console

from kata.course.files import find_root, shown
from kata.course.loader import joined_text
from kata.course.steps import STEPS
from kata.learn import workspace as workspaces
from kata.learn.check import check_with
from kata.learn.messages import paragraph
from kata.learn.workspace import Workspace, WorkspaceError, chosen_step
from kata.runner.client import WarmRunner

ROOT = find_root()
STEP = STEPS[2]
SOLUTION = (ROOT / "solutions" / STEP.file).read_text(encoding="utf-8")
FORMULA = "    return time_embedding + class_embedding\n"


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KATA_CACHE", str(tmp_path_factory.mktemp("cache")))
        with WarmRunner(ROOT, workers=1, training=False) as warm:
            yield warm


@pytest.fixture
def told(runner, tmp_path):
    """What `kata check` says of a step of that text, at that width."""

    def tell(text, width=80, step=STEP):
        (tmp_path / step.file).write_text(text, encoding="utf-8")
        console = Console(file=io.StringIO(), width=width)
        passed = check_with(runner, Workspace(tmp_path), step, console)
        assert "\x1b" not in console.file.getvalue()
        return passed, console.file.getvalue()

    return tell


def test_a_right_step_passes_and_the_next_command_is_said(told):
    """One line of verdict, and a path to click on."""
    assert FORMULA in SOLUTION
    passed, text = told(SOLUTION)
    assert passed
    assert re.search(r"Passed: all \d+ tests", text)
    assert "next   kata watch 3" in text
    assert "Diagnosis" not in text


def test_a_known_mistake_is_named(told, tmp_path):
    """First failure, place, diagnosis, where it was seen, next command: in this order."""
    mistake = ROOT / "tests/mistakes/step03/scale_from_conditional.py"
    passed, text = told(joined_text([ROOT / "solutions" / STEPS[3].file, mistake]), step=STEPS[3])
    assert not passed
    parts = [
        "Called guide(v_uncond, v_cond, 0.0).",
        "Expected: w = 0 ignores the label",
        "Try: start from v_uncond",
        f"where  {shown(tmp_path)}/{STEPS[3].file}:",
        "Diagnosis: your `guide` gives exactly what this known mistake gives:",
        "The scale counts from the conditional side",
        "Seen in threestudio#127",
        "next   kata hint 3",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)


def test_an_unknown_mistake_gets_no_diagnosis(told):
    """Nothing is said where nothing matches."""
    wrong = FORMULA.replace("+", "* 0.731 +")
    passed, text = told(SOLUTION.replace(FORMULA, wrong))
    assert not passed
    assert "Diagnosis" not in text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    return None\n", "returned None (is a `return` missing?)"),
        ("    return time_embedding.nonsense\n", "AttributeError"),
        ("    return combine(time_embedding, class_embedding)\n", "calls itself without end"),
        ("    import os; os._exit(0)\n", "the interpreter itself ended"),
        ("    import sys; sys.exit()\n", "SystemExit"),
        ("    print('x' * (1 << 15))\n" + FORMULA, "Passed"),
        ("    while True: print('x' * (1 << 20))\n", "more than 16 MB"),
        ("    while True: pass\n", "a loop that does not end"),
        ("    raise NotImplementedError('step 2: combine')\n", "combine is not written yet"),
        ("    assert time_embedding is None\n", "an `assert` of your own failed"),
        ("    assert time_embedding is None, 'not so'\n", "not so"),
        ("    raise KeyError('oops')\n", "Called combine(time_embedding of shape "),
    ],
)
def test_whatever_a_step_does_is_said_in_a_sentence(told, monkeypatch, body, words):
    """No stack trace of ours, and the runner goes on."""
    monkeypatch.setattr(workspaces, "TEST_LIMIT", 3.0)
    passed, text = told(SOLUTION.replace(FORMULA, body))
    assert passed == (words == "Passed")
    assert words in " ".join(text.split())
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("def combine(:\n", "syntax error", ":1"),
        ("import sys\nsys.exit(3)\n", "does not load: SystemExit: 3", ":2"),
        ("import nonsense\n", "No module named 'nonsense'", ":1"),
        ("x = 1\n", "defines no combine", ":1"),
    ],
)
def test_a_file_that_does_not_load_is_one_sentence_with_its_line(told, text, words, place):
    """And the line to click on."""
    passed, said = told(text)
    assert not passed
    assert words in " ".join(said.split())
    where = next(line for line in said.splitlines() if line.startswith("where"))
    assert where.endswith(STEP.file + place)


def test_an_error_of_the_step_points_to_its_line(told):
    """The line in the learner's file, not in the test's."""
    text = SOLUTION.replace(FORMULA, "    return time_embedding.nonsense\n")
    line = text.splitlines().index("    return time_embedding.nonsense") + 1
    _, said = told(text)
    assert f"{STEP.file}:{line}" in said


def test_what_was_printed_is_shown_in_part(told):
    """The last lines of what the failing test printed."""
    body = "    for i in range(30): print('line', i)\n    return class_embedding\n"
    _, said = told(SOLUTION.replace(FORMULA, body))
    assert "line 29" in said
    assert "line 3\n" not in said


@pytest.mark.parametrize("width", [24, 50])
def test_narrow_terminals_wrap(told, width):
    """Only what is to be clicked or copied may be longer than the terminal is wide."""
    _, said = told(SOLUTION.replace(FORMULA, "    return class_embedding\n"), width)
    free = ("file ", "where ", "next ", "see ", "diff ")
    assert all(len(line) <= width for line in said.splitlines() if not line.startswith(free))


def test_results_are_remembered_by_what_was_tested(runner, tmp_path):
    """The record holds for the same bytes alone, of the step and, assembled, of the steps below
    it.
    """
    for step in STEPS:
        shutil.copy(ROOT / "solutions" / step.file, tmp_path)
    alone, together = Workspace(tmp_path), Workspace(tmp_path, assembled=True)
    sampling, guidance = STEPS[7], tmp_path / STEPS[3].file
    for workspace in (alone, together):
        assert workspace.run(runner, sampling).passed
        assert workspace.standing(sampling).passed
    before = guidance.read_text(encoding="utf-8")
    guidance.write_text(before + "# changed\n", encoding="utf-8")
    assert alone.standing(sampling).passed
    assert not together.standing(sampling).is_known
    guidance.write_text(before, encoding="utf-8")
    assert together.standing(sampling).passed
    (tmp_path / STEPS[4].file).write_text("# not used by step 7\n", encoding="utf-8")
    assert together.standing(sampling).passed


@pytest.mark.parametrize("text", ["2", "02", "step2", "step02", "exercises/step02_conditioning.py"])
def test_a_step_may_be_named_in_several_ways(text):
    """A number or its file."""
    assert chosen_step(text) == STEP


@pytest.mark.parametrize("text", [str(len(STEPS)), "-1", "three", "", "exercises", "3.5"])
def test_a_step_that_is_none_is_one_sentence(text):
    """It says which there are."""
    with pytest.raises(WorkspaceError, match=r"There is no step .*0 to 10"):
        chosen_step(text)


def test_the_command_from_outside(course, kata):
    """Exit code 1 for a step that fails or is not begun, 0 for one that passes, 2 for bad input."""
    path = course / "exercises" / STEP.file
    assert (kata("check", "2").returncode, kata("check", "12").returncode) == (1, 2)
    path.write_text(SOLUTION, encoding="utf-8")
    run = kata("check")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "file   exercises/step02_conditioning.py:" in run.stdout
    assert path.read_text(encoding="utf-8") == SOLUTION
    path.unlink()
    run = kata("check", "2")
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert "kata reset 2" in run.stderr


def test_without_solutions_a_missing_step_is_named_as_the_reason(course, kata):
    """In a students' copy steps are tested together, and there is no diagnosis."""
    shutil.copy(course / "solutions" / STEPS[7].file, course / "exercises")
    shutil.rmtree(course / "solutions")
    run = kata("check", "7")
    assert run.returncode == 1
    assert "step 7 uses step 3" in " ".join(run.stdout.split())
    assert "kata watch 3    exercises/step03_guidance.py:" in run.stdout
    wrong = SOLUTION.replace(FORMULA, FORMULA.replace("+", "-"))
    (course / "exercises" / STEP.file).write_text(wrong, encoding="utf-8")
    run = kata("check", "2")
    assert run.returncode == 1
    assert "No diagnosis: solutions/ is not part of this copy." in run.stdout


WRONG_GUIDE = "\n\ndef guide(v_uncond, v_cond, scale):\n    return v_cond\n"


def solved(folder, changes):
    """Write the solutions of steps 1 to 9 into a folder, some of them with changes behind."""
    for step in STEPS[1:10]:
        text = (ROOT / "solutions" / step.file).read_text(encoding="utf-8")
        (folder / step.file).write_text(text + changes.get(step.number, ""), encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "changes", "words", "command"),
    [
        (7, {3: WRONG_GUIDE}, "Step 3 is at fault: it does not pass its own tests. `kata check 3`", 3),
        (8, {3: WRONG_GUIDE}, "Step 3 is at fault: it does not pass its own tests. `kata check 3`", 3),
        (9, {9: "\n\ndef compare_modes(*a, **k):\n    return {}\n"}, "Step 9 itself is at fault", 9),
    ],
)  # fmt: skip
def test_together_the_step_at_fault_is_named_first(
    runner, tmp_path, number, changes, words, command
):
    """Above the failure; the next command leads there; no mistake is seen in a step that has
    none.
    """
    solved(tmp_path, changes)
    console = Console(file=io.StringIO(), width=200)
    step = STEPS[number]
    assert not check_with(runner, Workspace(tmp_path, assembled=True), step, console)
    text = console.file.getvalue()
    assert text.index(words) < text.index("Failed:")
    assert f"kata watch {command} --impl {shown(tmp_path)}" in text
    assert ("Diagnosis" in text) <= (number == command)


def test_together_a_step_that_passes_alone_can_be_at_fault(runner, tmp_path):
    """Its solution in its place lets the other pass: here, it is wrong for others alone."""
    solved(tmp_path, {})
    guidance = tmp_path / STEPS[3].file
    broken = (
        "\n\n_right = guided_velocity\ndef guided_velocity(model, x, t, y, scale, null_class):\n"
    )
    broken += "    v = _right(model, x, t, y, scale, null_class)\n"
    broken += "    return v if len(__name__.split('.')[0]) == len('kata_step03') else v + 1\n"
    guidance.write_text(guidance.read_text(encoding="utf-8") + broken, encoding="utf-8")
    console = Console(file=io.StringIO(), width=200)
    assert not check_with(runner, Workspace(tmp_path, assembled=True), STEPS[7], console)
    text = console.file.getvalue()
    assert "Step 3 is at fault: it passes its own tests, but step 7 passes only with" in text
    assert "see    " + shown(ROOT / "solutions" / STEPS[3].file) in text


@pytest.mark.parametrize("stop", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_a_breakpoint_says_how_to_get_there(told, tmp_path, stop):
    """Nobody can type here; the rest of the tests would stop there too."""
    passed, text = told(SOLUTION.replace(FORMULA, f"    {stop}\n{FORMULA}"), width=300)
    assert not passed
    command = f"pytest tests/{STEP.test_file} -x --impl {shown(tmp_path)}"
    assert f"breakpoint() needs a terminal: run `{command}`." in text
    assert "BdbQuit" not in text
    assert "Diagnosis" not in text


def test_a_breakpoint_works_in_pytest(course):
    """On a terminal: a prompt at that line, where the arguments can be printed."""
    pty = pytest.importorskip("pty")
    path = course / "exercises" / STEP.file
    path.write_text(SOLUTION.replace(FORMULA, f"    breakpoint()\n{FORMULA}"), encoding="utf-8")
    near, far = pty.openpty()
    command = [sys.executable, "-m", "pytest", f"tests/{STEP.test_file}", "-x"]
    with subprocess.Popen(command, cwd=course, stdin=far, stdout=far, stderr=far) as run:
        os.close(far)
        said = b""
        while b"(Pdb) " not in said:
            said += os.read(near, 1 << 16)
        os.write(near, b"p 'shape', tuple(time_embedding.shape)\n")
        while b"('shape', (" not in said:
            said += os.read(near, 1 << 16)
        run.kill()
    os.close(near)
    assert b"return time_embedding + class_embedding" in said


BAD = "__import__('torch').ones(2, 3) @ __import__('torch').ones(2, 3)"


@pytest.mark.parametrize(
    ("number", "before", "called"),
    [
        (1, "super().__init__()", "Called ClassEmbedding(num_classes="),
        (1, "rows: Tensor = self.embed(", "Called ClassEmbedding.forward(y of shape ("),
        (3, "if isinstance(scale, Tensor)", "Called guide(v_uncond of shape ("),
        (5, "super().__init__(", "Called ConditionalDiT(num_classes="),
        (6, "self.model.train()", "Called ConditionalTrainer.train(num_epochs="),
    ],
)
def test_an_error_is_told_with_its_call(runner, tmp_path, number, before, called):
    """Of a class and of its methods too, with the shapes, and the error behind it."""
    step = STEPS[number]
    text = (ROOT / "solutions" / step.file).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.strip().startswith(before))
    indent = line[: len(line) - len(line.lstrip())]
    text = text.replace(line, f"{indent}{BAD}\n{line}", 1)
    (tmp_path / step.file).write_text(text, encoding="utf-8")
    said = paragraph(step, Workspace(tmp_path).run(runner, step).failures[0])
    assert called in said
    assert "It raised RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)" in said
