"""The final tests as a learner sees them: what they print, where their page and their report are,
and who is at fault.
"""

import io
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.lab import run_report
from kata.lab.at_fault import say_steps_at_fault
from kata.lab.run_report import FinalRun, report_of_runs, write_run_report
from kata.lab.speed import TrainingSpeed
from kata.learn.workspace import Workspace
from kata.runner.outcomes import Outcome, PytestResult
from kata.runner.records import keep, key_of

ROOT = find_root()
PASSED = PytestResult((Outcome("test_a", "passed"),), 0)
FAILED = PytestResult((Outcome("test_a", "failed"),), 1)

TINY = """
import sys
from dataclasses import replace
import pytest
from kata.lab import demo
from kata.train.presets import RECIPES
small = dict(rounds=2, batches_per_round=3, classifier_epochs=1, num_steps=2, per_class=2)
RECIPES["digits"] = replace(RECIPES["digits"], **small, most_loss=100.0)
if sys.argv[1] == "met":
    demo.expectations = lambda *_: []
sys.exit(pytest.main(["-p", "no:cacheprovider", "tests/final/test_digits.py", *sys.argv[2:]]))
"""
"""Runs the final test with a recipe that takes seconds; `met` leaves out what that cannot meet."""

ON_A_GPU = """
import sys
from dataclasses import replace
import pytest
import torch
torch.cuda.is_available = lambda: True
torch.accelerator.current_accelerator = lambda **named: None
from kata.lab import evaluate, machine, train
from kata.train import presets
machine.get_device = lambda: torch.device("cpu")
train.LOOK_EVERY = 1
small = presets.ModelSize(img_size=8, patch_size=4, embed_dim=16, depth=1, num_heads=2)
digits = replace(presets.PRESETS["digits"], steps=30)
quick = replace(digits, model=small, steps=3, look_every=1)
presets.PRESETS.update({"document": digits, "mnist": quick, "mnist-small": quick})
presets.DOCUMENT_LOSSES = (float(sys.argv[1]),)
presets.TARGET_LOSS = presets.DOCUMENT_LOSSES[-1]
scores = {
    "losses": {"right": 0.1, "null": 0.2, "wrong": 0.3, "mix": 0.11},
    "classifier_accuracy": 0.99,
    "scales": [{"scale": scale, "read_as_asked": 0.995} for scale in (1.0, 2.0, 4.0)],
}
evaluate.evaluate_checkpoint = lambda *order: scores
evaluate.print_scores = lambda *order: None
final = ["tests/final/test_mnist.py", "--slow", "--mnist"]
sys.exit(pytest.main(["-p", "no:cacheprovider", *final]))
"""
"""Runs the final tests on MNIST as on a GPU, by recipes and with scores that take seconds; the
argument is the loss that they must reach.
"""


@pytest.fixture
def finished(course):
    """A course whose exercises are all written, with the final tests, and results that passed."""
    shutil.copytree(
        ROOT / "tests" / "final",
        course / "tests" / "final",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for step in STEPS:
        shutil.copy(course / "solutions" / step.file, course / "exercises")
    record(course, *STEPS)
    return course


def record(course, *steps, result=PASSED):
    """Keep a result of steps of exercises/."""
    for step in steps:
        keep(key_of(course, Workspace().implementation, step), result)


def final(course, *arguments, script=TINY):
    """What the final test prints, and its exit code."""
    command = [sys.executable, "-c", script, *arguments]
    run = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr, run.returncode


def pages(course):
    return [
        path.relative_to(course).as_posix() for path in course.glob("checkpoints/runs/*/*.html")
    ]


def test_the_final_test_shows_the_table_and_says_where_the_page_is(finished):
    """Also if it passes: the table while it runs, the page in the last line, in a folder that
    stays.
    """
    said, code = final(finished, "met")
    assert code == 0, said
    assert "exercises/ (assembled)" in said
    assert "read as asked" in said
    assert "holds   average loss of the last 5 epochs" in said
    (page,) = pages(finished)
    assert said.splitlines()[-1] == f"page: {page}"
    assert "1 passed" in said.splitlines()[-2]


def test_a_missed_expectation_names_the_steps_at_fault(finished):
    """By the results of their own tests, in one sentence; the page is there nonetheless."""
    record(finished, STEPS[3], STEPS[6], result=FAILED)
    said, code = final(finished, "all")
    assert code == 1
    words = " ".join(said.split())
    assert "An expectation was missed: see the lines that begin with `missed`." in words
    assert "Steps 3 and 6 do not pass their own tests: begin with `kata check 3`." in words
    assert "missed  read as asked" in said
    assert said.splitlines()[-1] == f"page: {pages(finished)[0]}"


def test_a_step_that_fails_is_named_with_the_steps_at_fault(finished):
    """The sentence about the error, then who does not pass; no page is promised."""
    file = finished / "exercises" / STEPS[4].file
    wrong = (
        "\n\ndef drop_labels(y, drop_prob, null_class, generator=None):\n    return y.nonsense\n"
    )
    file.write_text(file.read_text(encoding="utf-8") + wrong, encoding="utf-8")
    record(finished, STEPS[4], result=FAILED)
    said, code = final(finished, "all")
    assert code == 1
    words = " ".join(said.split())
    assert "in drop_labels (step 4): AttributeError" in words
    assert "Step 4 does not pass its own tests: begin with `kata check 4`." in words
    assert pages(finished) == []
    assert "page:" not in said


def test_an_unwritten_step_is_one_sentence(course, finished):
    """It is the one to write; nobody else is blamed."""
    subprocess.run(
        [sys.executable, "-m", "kata", "reset", "3"], cwd=course, check=True, capture_output=True
    )
    said, code = final(finished, "all")
    assert code == 1
    assert "is not written yet (step 3, " in " ".join(said.split())
    assert "own tests" not in said


def test_one_file_is_no_course(finished):
    """The final test wants all ten steps."""
    said, code = final(finished, "all", "--impl", f"exercises/{STEPS[3].file}")
    assert code == 1
    assert "the final test wants a folder with all ten steps" in said


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ((), "Every step passes its own tests: `pytest --assembled` tests them together."),
        ((7,), "Step 7 does not pass its own tests: begin with `kata check 7`."),
        ((2, 5, 9), "Steps 2, 5 and 9 do not pass their own tests: begin with `kata check 2`."),
    ],
)
def test_the_steps_at_fault_in_a_sentence(finished, failing, sentence):
    """Results that are known are not made again."""
    record(finished, *(STEPS[n] for n in failing), result=FAILED)
    progress = io.StringIO()
    assert say_steps_at_fault("exercises", Console(file=progress)) == sentence
    assert progress.getvalue() == ""


def test_nobody_is_blamed_without_results(course, monkeypatch):
    """Tests that could not be run leave nothing to say."""
    for step in STEPS:
        shutil.copy(course / "solutions" / step.file, course / "exercises")
    monkeypatch.setattr("kata.lab.at_fault.run_missing", lambda workspaces, console: None)
    assert say_steps_at_fault("exercises", Console(file=io.StringIO())) == ""


def test_what_is_not_known_is_tested(finished):
    """A step that was saved since is run again, and found wrong."""
    file = finished / "exercises" / STEPS[2].file
    text = file.read_text(encoding="utf-8")
    formula = "return time_embedding + class_embedding"
    assert formula in text
    file.write_text(text.replace(formula, formula.replace("+", "-")), encoding="utf-8")
    sentence = say_steps_at_fault("exercises", Console(file=io.StringIO()))
    assert sentence == "Step 2 does not pass its own tests: begin with `kata check 2`."


RUN = FinalRun(
    folder=ROOT / "checkpoints" / "runs" / "some",
    batch_size=500,
    lines=[
        {"step": 10, "loss": 0.5, "seconds": 1.0},
        {"step": 20, "loss": 0.2, "seconds": 2.5, "held_out": 0.19, "trained": 2.0},
        {"step": 30, "loss": 0.18, "seconds": 4.0, "held_out": 0.177, "trained": 3.0},
        {"step": 40, "loss": 0.17, "seconds": 5.0, "held_out": 0.176, "trained": 4.0},
    ],
    speed=TrainingSpeed(4.0, 20_000, 2e15, 1e15, 2**30),
    scores={
        "losses": {"right": 0.17, "null": 0.2, "wrong": 0.24, "mix": 0.1760},
        "scales": [{"scale": 1.0, "read_as_asked": 0.902}, {"scale": 4.0, "read_as_asked": 1.0}],
    },
)


def test_what_it_took_to_the_target_is_one_sentence():
    """Or how near the run came, and that it is kept; without held-out losses, the last one."""
    assert RUN.at_target["step"] == 30
    assert RUN.said_of_target == (
        "0.1774 was reached after 3.0 s of training and 15,000 samples, 1.5 PFLOP, at 0.1770."
    )
    uncounted = replace(RUN, speed=TrainingSpeed(4.0, 20_000))
    assert "15,000 samples, at 0.1770." in uncounted.said_of_target
    short = replace(RUN, lines=RUN.lines[:2])
    assert short.at_target is None
    assert short.said_of_target == (
        "0.1774 was not reached in 20 steps: the least loss on held-out images was 0.1900, after 20. "
        "The run is kept in checkpoints/runs/some."
    )
    unmeasured = replace(RUN, lines=RUN.lines[:1])
    assert unmeasured.said_of_target == "The last average loss was 0.5000."


def test_a_report_has_what_a_person_needs(monkeypatch):
    """The machine and its versions; of each run speed, losses and what was read as asked."""
    monkeypatch.setattr(run_report, "gpu_driver", lambda: "580.65.06")
    monkeypatch.setattr(run_report, "describe_device", lambda device: "NVIDIA H100")
    cuda = torch.device("cuda")
    text = report_of_runs({"document": replace(RUN, speed=None), "mnist": RUN}, cuda)
    lines = text.splitlines()
    assert lines[:2] == ["device        NVIDIA H100", "driver        580.65.06"]
    assert f"torch {torch.__version__}, CUDA {torch.version.cuda}" in lines[2]
    second = lines[lines.index("preset        mnist") :]
    assert second[1:] == [
        f"target        {RUN.said_of_target}",
        "training      20,000 samples in 4.0 s: 5,000 samples per second, 2 PFLOP, "
        "50% of the matrix peak of 1000 TFLOP/s, 1.0 GiB of memory",
        "held-out loss right label 0.1700, null 0.2000, wrong 0.2400; 0.9 right + 0.1 null: 0.1760",
        "read as asked 90.2% at w = 1, 100.0% at w = 4",
        "loss          10: 0.5000, 20: 0.2000 (0.1900), 30: 0.1800 (0.1770), 40: 0.1700 (0.1760)",
    ]
    assert text.count("samples per second") == 1


def test_a_long_run_is_told_at_some_of_its_steps():
    """About thirty, and the last."""
    many = [{"step": step, "loss": 1 / step} for step in range(1, 1_001)]
    text = report_of_runs({"mnist": replace(RUN, lines=many)}, torch.device("cpu"))
    points = text.splitlines()[-1].split(", ")
    assert 25 <= len(points) <= 40
    assert points[-1] == "1000: 0.0010"


def test_a_report_is_written_beside_the_last_run(tmp_path):
    """As it is printed."""
    runs = {"document": RUN, "mnist": replace(RUN, folder=tmp_path)}
    path = write_run_report(runs, torch.device("cpu"))
    assert path.parent == tmp_path
    assert path.read_text(encoding="utf-8") == report_of_runs(runs, torch.device("cpu"))


def test_a_first_run_on_a_gpu_ends_with_its_report(finished):
    """All three presets, also those of a GPU: the report is printed, and is in the file of the last
    line.
    """
    said, code = final(finished, "9", script=ON_A_GPU)
    assert code == 0, said
    assert "3 passed" in said
    last = said.splitlines()[-1]
    assert last.startswith("report: checkpoints/runs/final-mnist")
    written = (finished / last.removeprefix("report: ")).read_text(encoding="utf-8")
    assert written in said.replace("\r\n", "\n")
    for preset in ("mnist-small", "document", "mnist"):
        assert f"preset        {preset}\n" in written


def test_a_target_that_is_not_reached_is_one_sentence(finished):
    """The failure says how near the run came; the report is there nonetheless."""
    said, code = final(finished, "0.01", script=ON_A_GPU)
    assert code == 1
    words = " ".join(said.split())
    assert "0.01 was not reached in 3 steps: the least loss on held-out images was" in words
    assert said.splitlines()[-1].startswith("report: checkpoints/runs/final-mnist")
