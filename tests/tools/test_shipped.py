"""The checkpoints that come with the course: small, whole, and what their cards say of them."""

import json

import pytest

from kata.course.files import find_root
from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.train.checkpoints import read_checkpoint
from kata.train.data import load_dataset
from kata.train.loop import derived
from kata.train.metrics import held_out_losses

HOME = find_root() / "checkpoints"
SHIPPED = sorted(path.parent for path in HOME.glob("*/checkpoint.json"))
MEGABYTES = 32


def test_there_are_some_and_they_are_small():
    """At least digits and mnist-small, all together at most 32 MB."""
    assert {"digits", "mnist-small"} <= {folder.name for folder in SHIPPED}
    size = sum(file.stat().st_size for folder in SHIPPED for file in folder.iterdir())
    assert size <= MEGABYTES * 2**20


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_card_tells_of_this_file(folder):
    """The card names the file's SHA-256, its recipe's command, and the figures that were found
    on it.
    """
    facts = read_checkpoint(folder).facts
    card = (folder / "README.md").read_text(encoding="utf-8")
    report = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert facts["files"]["model"]["sha256"] in card
    assert f"kata train {facts['preset']} --seed {facts['seed']}" in card
    assert f"0.9 right + 0.1 null: {report['losses']['mix']:.4f}" in card
    for row in report["scales"]:
        assert f"{row['read_as_asked']:.1%}" in card


@pytest.mark.slow
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_losses_on_the_card_are_found_again(folder):
    """What `kata evaluate` found of the losses is found again, to rounding."""
    checkpoint = read_checkpoint(folder)
    report = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    model = checkpoint.build(Implementation("solutions").module(step_by_number(5)).ConditionalDiT)
    data = load_dataset(checkpoint.dataset)
    found = held_out_losses(
        model,
        data.held_out_images,
        data.held_out_labels,
        10,
        derived(report["seed"], "losses"),
        report["losses"]["draws"],
    )
    assert found.mix == pytest.approx(report["losses"]["mix"], rel=1e-3)
    assert found.right < found.null < found.wrong
