"""What goes wrong in a demo is told in one sentence, and nothing is left behind."""

import io
import shutil
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from kata.cli import app
from kata.course.files import find_root
from kata.course.loader import unload
from kata.lab.demo import DemoRequest, run_demo
from kata.train.checked_steps import StepCallError
from kata.train.presets import RECIPES
from kata.train.progress import Stages

ROOT = find_root()
TINY = replace(
    RECIPES["digits"], rounds=1, batches_per_round=2, classifier_epochs=1, num_steps=1, per_class=2
)


@pytest.fixture
def mine(tmp_path):
    """A folder with all ten solutions, to be spoilt; its modules are forgotten afterwards."""
    unload()
    shutil.copytree(
        ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__")
    )
    yield tmp_path / "mine"
    unload()


SPOILT = {
    "a sampler that returns nan": (
        "step07_sampling.py",
        "def sample_each_class(model, num_per_class=1, image_shape=(1, 28, 28), **named):\n"
        "    return torch.full((10 * num_per_class, *image_shape), float('nan'))\n",
        "sample_each_class (step 7) must return finite numbers",
    ),
    "a sampler that returns a list": (
        "step07_sampling.py",
        "def sample_each_class(*arguments, **named):\n    return []\n",
        "sample_each_class (step 7) must return a tensor, not list",
    ),
    "a matrix that is a tensor": (
        "step10_learned_embeddings.py",
        "def similarity_matrix(embeddings):\n    import torch\n    return torch.eye(11)\n",
        "similarity_matrix (step 10) must return a NumPy array",
    ),
    "an error of its own": (
        "step04_label_dropout.py",
        "def drop_labels(y, drop_prob, null_class, generator=None):\n    return y.nonsense\n",
        "step04_label_dropout.py, line",
    ),
    "a trainer that ends the program": (
        "step06_training.py",
        "class ConditionalTrainer(ConditionalTrainer):\n"
        "    def train(self, num_epochs):\n        raise SystemExit(0)\n",
        "ConditionalTrainer.train (step 6): SystemExit",
    ),
    "a trainer that returns nothing": (
        "step06_training.py",
        "class ConditionalTrainer(ConditionalTrainer):\n"
        "    def train(self, num_epochs):\n        return None\n",
        "must return a list of one loss",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_step_that_fails_is_blamed_by_name(mine, tmp_path, case):
    """File and function, what was wrong, and the command that tells more; no output folder."""
    file, change, sentence = SPOILT[case]
    with (mine / file).open("a", encoding="utf-8") as text:
        text.write(f"\n\n{change}")
    with pytest.raises(StepCallError) as caught:
        run_demo(DemoRequest(str(mine), out=tmp_path / "run"), Console(file=io.StringIO()), TINY)
    assert sentence in str(caught.value)
    assert file in str(caught.value)
    assert "pytest tests/test_step" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_what_steps_print_goes_to_the_log(mine, tmp_path):
    """Nothing of it comes between the progress lines."""
    text = io.StringIO()
    run_demo(DemoRequest(str(mine), out=tmp_path / "run"), Console(file=text, width=80), TINY)
    log = (tmp_path / "run" / "training.log").read_text(encoding="utf-8")
    assert log.count("avg_loss") == TINY.rounds
    assert "avg_loss" not in text.getvalue()


def test_the_exit_code_says_whether_expectations_are_met(monkeypatch):
    """0 and 1."""
    for met, code in ((True, 0), (False, 1)):
        monkeypatch.setattr("kata.lab.demo.run_demo", lambda *arguments, met=met: met)
        assert CliRunner().invoke(app, ["demo"]).exit_code == code


@pytest.mark.parametrize("impl", ["exercises", "solutions"])
def test_a_missed_expectation_is_blamed_on_the_steps_of_a_learner(monkeypatch, impl):
    """After the report; the solutions are not asked."""
    monkeypatch.setattr("kata.lab.demo.run_demo", lambda *_: False)
    monkeypatch.setattr("kata.lab.at_fault.say_steps_at_fault", lambda *_: "Step 3 does not pass.")
    result = CliRunner().invoke(app, ["demo", "--impl", impl])
    assert result.exit_code == 1
    assert ("Step 3 does not pass." in result.output) == (impl == "exercises")


def test_an_interruption_is_one_sentence_and_leaves_nothing(monkeypatch, tmp_path):
    """As by Ctrl-C while it trains."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("kata.lab.demo.run_experiment", interrupted)
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert "nothing was written" in result.output
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_the_output(tmp_path):
    """It is filled, not refused."""
    (tmp_path / "run").mkdir()
    run_demo(DemoRequest(out=tmp_path / "run"), Console(file=io.StringIO()), TINY)
    assert (tmp_path / "run" / "index.html").is_file()


def test_progress_on_a_terminal_shows_loss_and_time_left():
    """Bars that move; without a terminal, a line a quarter and no control characters."""
    shown = {}
    for terminal in (True, False):
        text = io.StringIO()
        console = Console(file=text, width=80, force_terminal=terminal, legacy_windows=False)
        with Stages(console, {"training": 3, "drawing": 1}) as stages:
            with stages.stage("training", 8) as stage:
                for _ in range(8):
                    stage.advance(note="loss 0.5000")
            with stages.stage("drawing", 1) as stage:
                stage.advance()
        shown[terminal] = text.getvalue()
    assert all("loss 0.5000" in text for text in shown.values())
    assert "\x1b" in shown[True]
    assert "\x1b" not in shown[False]
    assert len(shown[False].splitlines()) == 7
    assert "s left" in shown[False]
