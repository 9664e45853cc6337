"""The document's own run, through the implementation's trainer: resumed from the last epoch,
stopped within one.
"""

import io
import json
import shutil
import signal
import struct
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest
import torch
from rich.console import Console

from kata.course.files import find_root
from kata.course.loader import Implementation, unload
from kata.course.steps import step_by_number
from kata.lab.options import OptionError
from kata.lab.train import TrainRequest, run_training
from kata.train import presets
from kata.train.by_trainer import EpochLoader, RoundLoader, Stopped, TrainerRun
from kata.train.checkpoints import read_checkpoint
from kata.train.data import MNIST_FILES
from kata.train.loop import ProcessGroup
from kata.train.presets import PRESETS

COUNT = 70


@pytest.fixture
def folder(tmp_path):
    """A folder in MNIST's layout with a few random images."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    g = torch.Generator().manual_seed(0)
    for part in ("train", "t10k"):
        images = torch.randint(256, (COUNT, 28, 28), generator=g, dtype=torch.uint8)
        labels = torch.randint(10, (COUNT,), generator=g, dtype=torch.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, COUNT, 28, 28) + images.numpy().tobytes()
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 2049, COUNT) + labels.numpy().tobytes()
        )
    return tmp_path


@pytest.fixture(scope="module")
def steps():
    implementation = Implementation("solutions")
    return [implementation.module(step_by_number(number)) for number in (5, 6)]


def run(folder, steps, on_batch=lambda: None):
    """The document's run on that folder, with a small model and batches of 16."""
    preset = replace(PRESETS["document"], batch_size=16)
    make = partial(steps[0].ConditionalDiT, embed_dim=16, depth=1, num_heads=2)
    loader = EpochLoader(folder, preset.batch_size, seed=5, on_batch=on_batch)
    return TrainerRun(
        preset, make, steps[1].ConditionalTrainer, loader, seed=5, device=torch.device("cpu")
    )


def test_the_recipe_is_the_documents():
    """Every figure of the document's recipe."""
    preset = PRESETS["document"]
    assert (preset.batch_size, preset.lr, preset.weight_decay, preset.label_drop_prob) == (
        128,
        1e-4,
        0.01,
        0.1,
    )
    assert (preset.epochs, preset.warmup, preset.ema, preset.clip) == (30, None, None, None)


def test_model_has_the_documents_size(steps):
    """12,363,024 parameters, from the step's own defaults."""
    assert sum(p.numel() for p in steps[0].ConditionalDiT().parameters()) == 12_363_024


def test_images_are_the_documents(folder):
    """Batches of images in [-1, 1], the last incomplete one left out, another order each epoch."""
    loader = EpochLoader(folder, 16, seed=1, on_batch=lambda: None)
    batches = list(loader)
    assert len(batches) == len(loader) == COUNT // 16
    x0, y = batches[0]
    assert x0.shape == (16, 1, 28, 28)
    assert x0.min() < -0.9
    assert x0.max() > 0.9
    assert y.dtype == torch.int64
    again = list(loader)
    loader.epoch = 1
    other = list(loader)
    assert torch.equal(again[0][0], x0)
    assert not torch.equal(other[0][0], x0)


def test_resumed_from_an_epoch_is_the_same_to_the_last_bit(folder, steps):
    """Two epochs, and one that another process goes on from, end in the same weights and losses."""
    whole = run(folder, steps)
    whole.epoch()
    parts, losses = whole.parts(), whole.losses
    parts = {name: {k: v.clone() for k, v in part.items()} for name, part in parts.items()}
    whole.epoch()
    resumed = run(folder, steps)
    resumed.restore(parts, losses)
    resumed.epoch()
    assert resumed.losses == whole.losses
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name


def test_an_epoch_can_be_stopped(folder, steps):
    """What the caller raises between two batches ends the epoch."""
    batches = iter(range(10))

    def on_batch():
        if next(batches) == 2:
            raise Stopped

    stopped = run(folder, steps, on_batch)
    with pytest.raises(Stopped):
        stopped.epoch()
    assert stopped.losses == []


def test_a_batch_larger_than_the_data_is_refused():
    """Also one of nothing."""
    for size in (0, 6):
        with pytest.raises(ValueError, match=rf"batch_size must lie in 1 \.\. 5, got {size}"):
            RoundLoader(torch.zeros(5, 1, 4, 4), torch.zeros(5), size, per_round=1, seed=0)


@pytest.fixture
def document(folder, tmp_path, monkeypatch):
    """Runs `kata train document` for two epochs of that folder, with steps whose model is small."""
    raw = folder / "MNIST" / "raw"
    sizes = {name: (raw / name).stat().st_size for name in MNIST_FILES}
    monkeypatch.setattr("kata.train.data.MNIST_FILES", sizes)
    monkeypatch.setitem(
        presets.PRESETS, "document", replace(PRESETS["document"], batch_size=16, epochs=2)
    )
    steps = shutil.copytree(find_root() / "solutions", tmp_path / "steps")
    file = steps / "step05_model.py"
    text = file.read_text(encoding="utf-8")
    for default, small in (("embed_dim: int = 256", 16), ("depth: int = 6", 1)):
        assert default in text
        text = text.replace(default, f"{default.split(':')[0]}: int = {small}")
    file.write_text(text, encoding="utf-8")

    def train(**order):
        console = Console(file=io.StringIO())
        order = {"impl": str(steps), "device": "cpu", "data": folder, **order}
        return run_training(TrainRequest(preset="document", **order), console)

    yield train
    unload()


def test_kata_train_document_is_stopped_within_an_epoch_and_goes_on_from_its_start(
    document, tmp_path, monkeypatch
):
    """Weights, state and losses are those of a run that was not stopped; the last line has the
    speed.
    """
    whole = document(out=tmp_path / "whole")
    assert whole.speed.samples == 2 * (COUNT // 16) * 16
    epoch = TrainerRun.epoch

    def stopped_in_the_second(training):
        if training.losses:
            signal.raise_signal(signal.SIGTERM)
        return epoch(training)

    with monkeypatch.context() as patch:
        patch.setattr(TrainerRun, "epoch", stopped_in_the_second)
        stopped = document(out=tmp_path / "halves")
    assert (stopped.stopped_by, stopped.speed) == (signal.SIGTERM, None)
    assert read_checkpoint(stopped.folder).facts["step"] == 1
    document(resume=tmp_path / "halves")
    a, b = (read_checkpoint(tmp_path / name) for name in ("whole", "halves"))
    assert a.facts["losses"] == b.facts["losses"]
    for part in ("model", "training"):
        assert all(torch.equal(b.parts[part][k], v) for k, v in a.parts[part].items())
    lines = [json.loads(line) for line in (tmp_path / "halves" / "metrics.jsonl").open()]
    assert [line["loss"] for line in lines] == a.facts["losses"]


def test_the_document_is_trained_in_one_process(document, tmp_path, monkeypatch):
    """As the document does it; the sentence names the preset for several."""
    two = nullcontext(ProcessGroup(rank=0, size=2))
    monkeypatch.setattr("kata.lab.train.joined_group", lambda device: two)
    with pytest.raises(OptionError, match=r"runs in one process.*or train the preset mnist"):
        document(out=tmp_path / "run")
