"""Checkpoints on disk: what is written is read, and nothing else is."""

import hashlib
import json
import pickle

import pytest
import torch

from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.train.checkpoints import (
    CheckpointError,
    MetricsFile,
    find_checkpoint,
    read_checkpoint,
    write_checkpoint,
)

MODEL = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}


@pytest.fixture(scope="module")
def conditional_dit():
    return Implementation("solutions").module(step_by_number(5)).ConditionalDiT


@pytest.fixture
def folder(tmp_path, conditional_dit):
    """A folder with a checkpoint of a tiny model."""
    torch.manual_seed(1)
    weights = conditional_dit(**MODEL).state_dict()
    write_checkpoint(tmp_path / "c", {"model": weights}, {"dataset": "digits", "model": MODEL})
    return tmp_path / "c"


def test_round_trip(folder, conditional_dit):
    """The model that is built from what was read is the one that was written, in eval mode."""
    torch.manual_seed(1)
    expected = conditional_dit(**MODEL).state_dict()
    built = read_checkpoint(folder).build(conditional_dit)
    assert not built.training
    assert all(torch.equal(value, expected[name]) for name, value in built.state_dict().items())


def test_half_precision_is_read_as_float32(tmp_path, conditional_dit):
    """Weights that ship in half precision are computed with in float32."""
    weights = {k: v.half() for k, v in conditional_dit(**MODEL).state_dict().items()}
    write_checkpoint(tmp_path, {"model": weights}, {"dataset": "digits", "model": MODEL})
    assert all(
        p.dtype == torch.float32
        for p in read_checkpoint(tmp_path).build(conditional_dit).parameters()
    )


def test_a_new_checkpoint_takes_the_place_of_the_old(folder, conditional_dit):
    """One set of files is left, and it is the new one."""
    weights = {k: torch.zeros_like(v) for k, v in conditional_dit(**MODEL).state_dict().items()}
    write_checkpoint(folder, {"model": weights}, {"dataset": "mnist", "model": MODEL}, tag="2")
    assert sorted(p.name for p in folder.iterdir()) == ["checkpoint.json", "model-2.safetensors"]
    assert read_checkpoint(folder).dataset == "mnist"


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "pickled"])
def test_damaged_weights_are_refused(folder, damage):
    """Cut short, changed in one bit, missing or something that would have to be unpickled: one
    sentence.
    """
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[:-100])
    elif damage == "changed":
        content[-1] ^= 1
        file.write_bytes(content)
    else:
        content = pickle.dumps({"weights": 1})
        file.write_bytes(content)
        facts = json.loads((folder / "checkpoint.json").read_text())
        facts["files"]["model"]["sha256"] = hashlib.sha256(content).hexdigest()
        (folder / "checkpoint.json").write_text(json.dumps(facts))
    with pytest.raises(
        CheckpointError, match=r"model\.safetensors .*(fetch it again|train it anew)"
    ):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"model": None},
        {"dataset": 3},
        {"files": {}},
        {"files": {"model": {"name": "../../secret", "sha256": ""}}},
        {"files": {"model": {"sha256": ""}}},
    ],
)
def test_a_foreign_manifest_is_refused(folder, change):
    """A checkpoint.json of another kind gets one sentence."""
    manifest = folder / "checkpoint.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    with pytest.raises(CheckpointError, match="is not a checkpoint of this course, or is damaged"):
        read_checkpoint(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "\x00\xff"])
def test_a_manifest_that_is_no_json_is_refused(folder, text):
    """Neither an empty nor a torn checkpoint.json is a crash."""
    (folder / "checkpoint.json").write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match="is not a checkpoint of this course, or is damaged"):
        read_checkpoint(folder)


def test_another_models_weights_are_refused(folder, conditional_dit):
    """Weights that do not fit the model name the step whose tests to run."""
    manifest = folder / "checkpoint.json"
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**facts, "model": {**MODEL, "embed_dim": 32}}))
    with pytest.raises(CheckpointError, match="does not fit this ConditionalDiT"):
        read_checkpoint(folder).build(conditional_dit)


def test_an_unknown_name_is_refused():
    """The sentence says what to name instead."""
    with pytest.raises(CheckpointError, match=r"There is no checkpoint nowhere: name a folder"):
        find_checkpoint("nowhere")


def test_a_checkpoint_is_found_by_its_json_too(folder):
    """As a shell completes it."""
    assert find_checkpoint(folder / "checkpoint.json") == folder


def test_half_a_line_of_metrics_is_left_out(tmp_path):
    """A run that was killed may have left one."""
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"ste', encoding="utf-8")
    metrics = MetricsFile(tmp_path, step=1)
    metrics.add(step=5)
    assert metrics.lines() == [{"step": 1}, {"step": 5}]
