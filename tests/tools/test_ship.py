"""`kata ship`: from a run to a checkpoint with a card, or nothing."""

import io
import json
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from kata.course.loader import unload
from kata.lab import ship
from kata.lab.ship import ship_checkpoint
from kata.lab.train import TrainRequest, run_training
from kata.train import presets
from kata.train.checkpoints import CheckpointError, read_checkpoint
from kata.train.presets import PRESETS, ModelSize

SCORES = {"read_as_asked": 0.9, "spread": 0.3, "outside": 0.0, "frechet": 1.0, "nearest": 0.2}
REPORT = {
    "checkpoint": "tiny",
    "dataset": "digits",
    "parameters": 1234,
    "sampling": {"method": "euler", "num_steps": 25, "interval": (0.0, 1.0)},
    "scales": [{"scale": 1.0, "samples": 500, "evaluated": 9, "seconds": 1.0, **SCORES}],
    "real": SCORES,
    "losses": {"right": 0.1, "null": 0.2, "wrong": 0.3, "mix": 0.1112},
    "model_as_classifier": {"accuracy": 0.9, "images": 300, "pairs": 10},
    "classifier_accuracy": 0.99,
    "frechet_per_class": 50,
    "evaluated": 9,
    "seconds": {"all": 2.0},
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of a few steps; checkpoints/ is a folder of the test's own."""
    unload()
    small = ModelSize(img_size=8, patch_size=4, embed_dim=16, depth=1, num_heads=2)
    tiny = replace(PRESETS["digits"], model=small, steps=10)
    monkeypatch.setitem(presets.PRESETS, "digits", tiny)
    request = TrainRequest(out=tmp_path / "run", device="cpu", seed=7)
    done = run_training(request, Console(file=io.StringIO()))
    monkeypatch.setattr(ship, "find_root", lambda: tmp_path)
    monkeypatch.setattr(ship, "evaluate_checkpoint", lambda *a, **k: REPORT)
    return done.folder


def shipped(run, half=False, **more):
    return ship_checkpoint(run, "tiny", half, Console(file=io.StringIO()), **more)


@pytest.mark.parametrize("half", [False, True])
def test_weights_figures_and_card_are_there(run, half):
    """What only training needs is not; the card has the file, the command, the recipe and the
    figures.
    """
    folder, report = shipped(run, half, remark="It was cold.")
    checkpoint = read_checkpoint(folder)
    assert checkpoint.parts.keys() == {"model"}
    assert {v.dtype for v in checkpoint.parts["model"].values()} == {
        torch.float16 if half else torch.float32
    }
    assert json.loads((folder / "evaluation.json").read_text())["losses"] == report["losses"]
    card = (folder / "README.md").read_text()
    for said in (
        checkpoint.facts["files"]["model"]["sha256"],
        "kata train digits --seed 7 --steps 10",
        "gradient clipped at 1",
        "EMA 0.99",
        "Muon, lr 0.02, on the matrices of attention and MLP; AdamW, lr 0.002, on all else",
        "50 steps of warm-up, over the last 40% of the steps in a straight line to 0",
        "10 steps",
        "It was cold.",
        "0.1112",
    ):
        assert said in card


def test_a_recipe_of_before_muon_is_told_too():
    """Its checkpoint names neither Muon nor a cool-down; a rate may be constant."""
    recipe = {"lr": 0.001, "betas": [0.9, 0.99], "weight_decay": 0.1, "warmup": 7, "batch_size": 8}
    recipe |= {"label_drop_prob": 0.2, "clip": None, "ema": None}
    told = "AdamW, lr 0.001, betas (0.9, 0.99), weight decay 0.1; {}; batch 8; label dropout 0.2"
    assert ship._recipe(recipe) == told.format("7 steps of warm-up, then a cosine to 0")
    assert ship._recipe({**recipe, "warmup": None}) == told.format("constant rates")


def test_the_clock_of_a_card():
    """Seconds alone below a minute; the document's run is told in epochs."""
    facts = {"seconds": 59.4, "step": 1_000, "recipe": {"by_trainer": False}}
    assert ship._took(facts) == "59 s, 1,000 steps"
    facts = {"seconds": 125.0, "step": 30, "recipe": {"by_trainer": True}}
    assert ship._took(facts) == "2 min 5 s, 30 epochs"


def test_what_cannot_be_shipped_leaves_nothing(run, monkeypatch):
    """Weights without a recipe, a name that is taken, and an evaluation that fails."""
    folder, _ = shipped(run)
    with pytest.raises(CheckpointError, match="is there already: remove it"):
        shipped(run)
    manifest = run / "checkpoint.json"
    facts = json.loads(manifest.read_text())

    def fails(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(ship, "evaluate_checkpoint", fails)
    with pytest.raises(KeyboardInterrupt):
        ship_checkpoint(run, "other", False, Console(file=io.StringIO()))
    assert not (folder.parent / "other").exists()
    del facts["recipe"]
    manifest.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match="it has no recipe for the card"):
        ship_checkpoint(run, "other", False, Console(file=io.StringIO()))
