"""The final test on MNIST: `mnist-small` on any CPU with --mnist; on a GPU the document's run,
and a faster one.
"""

import json
import sys
from statistics import mean, stdev

import pytest
import torch
from rich.console import Console

from kata.course import KataError
from kata.course.files import shown
from kata.lab.at_fault import say_steps_at_fault
from kata.lab.evaluate import evaluate_checkpoint, print_scores
from kata.lab.machine import chosen_device
from kata.lab.options import run_folder
from kata.lab.run_report import FinalRun, report_of_runs, write_run_report
from kata.lab.train import TrainRequest, run_training
from kata.runner.plugin import LAST_LINES
from kata.train.checkpoints import read_checkpoint
from kata.train.presets import DOCUMENT_LOSSES

DOCUMENT = (DOCUMENT_LOSSES[-1], 0.1781)
"""The average loss of the last epoch in two runs of the document."""

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


@pytest.fixture(scope="module")
def done(pytestconfig):
    """The runs of this session, by preset. At the end their report is printed, and written into
    the file that the last line names.
    """
    runs = {}
    yield runs
    if runs:
        device = chosen_device(None)
        path = write_run_report(runs, device)
        lines = [*report_of_runs(runs, device).splitlines(), "", f"report: {shown(path)}"]
        pytestconfig.stash[LAST_LINES].extend(lines)


@pytest.fixture
def run(implementation, done, capsys):
    """Trains a preset with the implementation under test, once, and measures it: a `FinalRun`."""
    if implementation.path.is_file():
        pytest.fail("the final test wants a folder with all ten steps", pytrace=False)
    impl = str(implementation.path)

    def train_and_evaluate(preset):
        if preset not in done:
            folder = run_folder(None, f"final-{preset}")
            try:
                with capsys.disabled():
                    print()
                    console = Console(file=sys.stdout)
                    trained = run_training(
                        TrainRequest(preset=preset, impl=impl, out=folder), console
                    )
                    report = evaluate_checkpoint(folder, impl, console)
                    print_scores(report, console)
            except KataError as error:
                who = say_steps_at_fault(impl, Console(file=sys.stdout))
                pytest.fail(f"{error} {who}".rstrip(), pytrace=False)
            (folder / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
            lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            batch_size = read_checkpoint(folder).facts["recipe"]["batch_size"]
            done[preset] = FinalRun(
                folder, batch_size, [json.loads(line) for line in lines], trained.speed, report
            )
        return done[preset]

    return train_and_evaluate


def read(report, scale):
    """The share read as asked at a scale."""
    return next(row["read_as_asked"] for row in report["scales"] if row["scale"] == scale)


def in_order(losses):
    """Whether the right label says most, no label less, and a wrong one least."""
    return losses["right"] < losses["null"] < losses["wrong"]


@pytest.mark.mnist
def test_mnist_small_reaches_the_documents_loss(run):
    """On a CPU: the held-out loss of the document's mix at most 0.1774, 99% read as asked at w =
    2.
    """
    small = run("mnist-small")
    losses = small.scores["losses"]
    assert losses["mix"] <= DOCUMENT[0], small.said_of_target
    assert in_order(losses)
    assert small.scores["classifier_accuracy"] >= 0.99
    assert read(small.scores, 2.0) >= 0.99


@pytest.mark.gpu
@pytest.mark.slow
@needs_gpu
def test_the_document_is_reproduced(run):
    """30 epochs to the letter: the last average loss within four standard deviations of the
    document's runs.
    """
    document = run("document")
    assert len(document.lines) == 30
    assert document.lines[-1]["loss"] <= mean(DOCUMENT) + 4 * stdev(DOCUMENT)
    assert read(document.scores, 1.0) >= 0.97
    assert read(document.scores, 4.0) >= 0.99
    assert in_order(document.scores["losses"])


@pytest.mark.gpu
@pytest.mark.slow
@needs_gpu
def test_the_better_recipe_takes_a_tenth_of_the_time(run):
    """The preset `mnist` reaches the document's loss in at most a tenth of the document's time."""
    document, better = run("document"), run("mnist")
    assert better.at_target, better.said_of_target
    assert better.at_target["trained"] <= document.speed.seconds / 10
