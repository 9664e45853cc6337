"""The document's own run, through the implementation's trainer: resumed from the last epoch,
stopped within one.
"""

import struct
from dataclasses import replace
from functools import partial

import pytest
import torch

from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.train.by_trainer import EpochLoader, Stopped, TrainerRun
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
