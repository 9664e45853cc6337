"""Training for real: resumed, interrupted, killed, shared among processes, and stopped by what
goes wrong.
"""

import io
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from rich.console import Console

from kata.course.files import find_root
from kata.course.loader import unload
from kata.lab.options import OptionError, run_folder
from kata.lab.train import TrainingError, TrainRequest, run_training
from kata.train import presets
from kata.train.checkpoints import CheckpointError, read_checkpoint, write_checkpoint
from kata.train.loop import ProcessGroup
from kata.train.optimizers import OptimizerError
from kata.train.presets import PRESETS, ModelSize

SMALL = replace(
    PRESETS["digits"],
    model=ModelSize(img_size=8, patch_size=4, embed_dim=16, depth=1, num_heads=2),
    steps=40,
    warmup=5,
    muon_lr=0.02,
)
CLI = [sys.executable, "-m", "kata", "train"]


@pytest.fixture
def small(monkeypatch):
    """The preset `digits` with a tiny model; steps loaded by other tests are forgotten."""
    unload()
    monkeypatch.setitem(presets.PRESETS, "digits", SMALL)


def train(**order):
    return run_training(TrainRequest(**order), Console(file=io.StringIO()))


def tensors(folder):
    parts = read_checkpoint(folder).parts
    return {f"{part}.{name}": value for part in parts for name, value in parts[part].items()}


def same(a, b):
    a, b = tensors(a), tensors(b)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def losses(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return {line["step"]: line["loss"] for line in map(json.loads, lines)}


def start(*arguments, threads=1, **options):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*CLI, *map(str, arguments)],
        cwd=find_root(),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def stop_at_the_second_look(patch):
    """Let a run stop after its second look at the loss, by a signal."""
    looks = iter(range(100))

    def signal_at_the_second(self, flag):
        if next(looks) == 1:
            signal.raise_signal(signal.SIGTERM)
            return True
        return flag

    patch.setattr("kata.train.loop.ProcessGroup.any", signal_at_the_second)


def wait_for(condition, alive, limit=90):
    until = time.monotonic() + limit
    while not condition():
        assert alive(), "it ended too early"
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


@pytest.mark.usefixtures("small")
def test_a_run_leaves_what_it_promises(tmp_path):
    """Weights to sample with, the configuration, every loss, a smaller loss at the end."""
    done = train(out=tmp_path / "run", seed=3)
    checkpoint = read_checkpoint(done.folder)
    assert done.stopped_by == 0
    assert checkpoint.facts["step"] == 40
    assert checkpoint.facts["seed"] == 3
    assert checkpoint.image_shape == (1, 8, 8)
    found = losses(done.folder)
    assert list(found) == [10, 20, 30, 40]
    assert found[40] < found[10]


@pytest.mark.usefixtures("small")
def test_resumed_is_the_same_to_the_last_bit(tmp_path, monkeypatch):
    """Stopped in the middle by a signal and resumed, weights, average, optimiser and losses are
    those of one run.
    """
    train(out=tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_at_the_second_look(patch)
        stopped = train(out=tmp_path / "halves")
    assert stopped.stopped_by == signal.SIGTERM
    assert read_checkpoint(stopped.folder).facts["step"] == 20
    assert train(resume=tmp_path / "halves").stopped_by == 0
    assert same(tmp_path / "whole", tmp_path / "halves")
    assert losses(tmp_path / "whole") == losses(tmp_path / "halves")


def test_a_run_of_before_muon_goes_on_as_it_began(tmp_path, monkeypatch):
    """A checkpoint whose recipe names no Muon is resumed with AdamW alone, bit for bit, although
    the preset has changed.
    """
    unload()
    monkeypatch.setitem(presets.PRESETS, "digits", replace(SMALL, muon_lr=None))
    train(out=tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_at_the_second_look(patch)
        train(out=tmp_path / "halves")
    manifest = tmp_path / "halves" / "checkpoint.json"
    facts = json.loads(manifest.read_text())
    del facts["recipe"]["muon_lr"]
    manifest.write_text(json.dumps(facts))
    monkeypatch.setitem(presets.PRESETS, "digits", SMALL)
    train(resume=tmp_path / "halves")
    assert same(tmp_path / "whole", tmp_path / "halves")


@pytest.mark.usefixtures("small")
def test_without_muon_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    """An older PyTorch has no `torch.optim.Muon`."""
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(OptimizerError, match=r"does not have: install torch 2\.9 or later"):
        train(out=tmp_path / "run")


@pytest.mark.usefixtures("small")
def test_a_state_that_lacks_an_optimizer_is_refused(tmp_path):
    """Half of a state would go on as another run."""
    train(out=tmp_path / "run", steps=10)
    read = read_checkpoint(tmp_path / "run")
    training = {k: v for k, v in read.parts["training"].items() if not k.startswith("muon.")}
    facts = {**read.facts, "recipe": {**read.facts["recipe"], "steps": 20}}
    write_checkpoint(tmp_path / "run", {**read.parts, "training": training}, facts, tag="cut")
    with pytest.raises(CheckpointError, match=r"cannot be resumed.*lacks some parameters"):
        train(resume=tmp_path / "run")


@pytest.mark.usefixtures("small")
def test_seed_repeats_and_matters(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(out=tmp_path / name, seed=seed)
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c")


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path):
    """The command ends with 130 and a line that names --resume."""
    run = tmp_path / "run"
    process = start("digits", "--out", run)
    wait_for(
        lambda: (run / "metrics.jsonl").is_file() and losses(run), lambda: process.poll() is None
    )
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    assert "kata train --resume" in output
    assert read_checkpoint(run).facts["step"] >= 10


@pytest.mark.usefixtures("small")
def test_killed_at_twenty_moments_the_checkpoint_always_loads(tmp_path, monkeypatch):
    """SIGKILL at random moments of a run that saves without pause; each time the next process
    goes on from there.
    """
    monkeypatch.setattr("kata.lab.train.LOOK_EVERY", 1)
    monkeypatch.setitem(presets.PRESETS, "digits", replace(SMALL, steps=100_000))
    run = tmp_path / "run"
    train(out=run, steps=1)
    manifest = run / "checkpoint.json"
    manifest.write_text(manifest.read_text().replace('"steps": 1,', '"steps": 100000,'))
    seen = [1]
    for _ in range(20):
        child = multiprocessing.get_context("fork").Process(
            target=train, kwargs={"resume": run, "save_every": 0}, daemon=True
        )
        child.start()
        wait_for(lambda: json.loads(manifest.read_text())["step"] > seen[-1], child.is_alive)
        time.sleep(random.uniform(0, 0.1))
        child.kill()
        child.join()
        seen.append(read_checkpoint(run).facts["step"])
    assert all(a < b for a, b in pairwise(seen))


@pytest.mark.slow
def test_two_processes_are_one_that_works_on_two_halves(tmp_path):
    """Under torchrun, step by step, the loss of one process on the same two seeded half-batches,
    to rounding.
    """
    order = ["digits", "--steps", "60", "--device", "cpu"]
    one = start(*order, "--parts", "2", "--out", tmp_path / "one")
    assert one.wait(timeout=200) == 0, one.communicate()[0]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    two = subprocess.run(
        [
            *(*command, "--nproc-per-node", "2", "-m", "kata", "train"),
            *(*order, "--out", str(tmp_path / "two")),
        ],
        cwd=find_root(),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert two.returncode == 0, two.stdout + two.stderr
    a, b = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert a.keys() == b.keys()
    for step, loss in a.items():
        assert b[step] == pytest.approx(loss, rel=1e-4), f"at step {step}"
    assert read_checkpoint(tmp_path / "two").facts["processes"] == 2


@pytest.mark.usefixtures("small")
def test_nan_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    """A loss that becomes NaN ends the run with a sentence; the checkpoint from before is whole."""
    steps = tmp_path / "steps"
    shutil.copytree(find_root() / "solutions", steps)
    text = (steps / "step06_training.py").read_text()
    text = text.replace(
        "return F.mse_loss(",
        "calls.append(0)\n    return (float('nan') if len(calls) > 25 else 1.0) * F.mse_loss(",
    ).replace("class ConditionalTrainer:", "calls = []\n\n\nclass ConditionalTrainer:")
    (steps / "step06_training.py").write_text(text)
    with pytest.raises(TrainingError, match=r"nan at step 30.*checkpoint of step 20 is kept"):
        train(out=tmp_path / "run", impl=str(steps), save_every=0)
    checkpoint = read_checkpoint(tmp_path / "run")
    assert checkpoint.facts["step"] == 20
    assert all(value.isfinite().all() for value in checkpoint.weights.values())


@pytest.mark.usefixtures("small")
def test_a_full_disk_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    """Where a write fails, one sentence says so and the checkpoint from before is whole."""
    train(out=tmp_path / "run", steps=10)
    before = tensors(tmp_path / "run")
    (tmp_path / "run" / "checkpoint.json").write_text(
        (tmp_path / "run" / "checkpoint.json").read_text().replace('"steps": 10', '"steps": 40')
    )

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"No space left on device.*make room"):
        train(resume=tmp_path / "run", save_every=0)
    monkeypatch.undo()
    after = tensors(tmp_path / "run")
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.usefixtures("small")
def test_what_cannot_be_resumed_is_said(tmp_path):
    """Weights alone are no run, another implementation's state does not fit, nothing there is no
    checkpoint.
    """
    done = train(out=tmp_path / "run", steps=10)
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        train(resume=tmp_path / "nothing")
    with pytest.raises(OptionError, match=r"is there already.*--resume"):
        train(out=tmp_path / "run")
    manifest = done.folder / "checkpoint.json"
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**facts, "model": {**facts["model"], "depth": 2}}))
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        train(resume=done.folder)
    del facts["recipe"]
    manifest.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match="is not a run of `kata train`"):
        train(resume=done.folder)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"preset": "huge"}, "There is no preset 'huge': say one of document"),
        ({"device": "cuda:99"}, "--device cuda:99: this machine"),
        ({"device": "nonsense"}, "--device nonsense"),
        ({"parts": 5}, "--parts 5: say a multiple"),
    ],
)
def test_an_order_that_cannot_be_met_is_refused(order, sentence, tmp_path):
    """One sentence, and no folder is made."""
    with pytest.raises(OptionError, match=sentence):
        train(out=tmp_path / "run", **order)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("small")
def test_a_recipe_of_another_version_is_refused(tmp_path):
    """One sentence names what is not known."""
    done = train(out=tmp_path / "run", steps=10)
    manifest = done.folder / "checkpoint.json"
    facts = json.loads(manifest.read_text())
    facts["recipe"]["magic"] = 1
    manifest.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match=r"recipe that this version does not know \(.*magic"):
        train(resume=done.folder)


@pytest.mark.usefixtures("small")
def test_threads_are_those_asked_for(tmp_path, monkeypatch):
    """Unless OMP_NUM_THREADS says otherwise."""
    before = torch.get_num_threads()
    try:
        for name, variable, expected in (("a", None, before + 1), ("b", "1", before)):
            torch.set_num_threads(before)
            monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
            if variable:
                monkeypatch.setenv("OMP_NUM_THREADS", variable)
            done = train(out=tmp_path / name, steps=10, threads=before + 1)
            assert read_checkpoint(done.folder).facts["threads"] == expected
    finally:
        torch.set_num_threads(before)


@pytest.mark.usefixtures("small")
def test_a_second_ctrl_c_stops_at_once(tmp_path, monkeypatch):
    """The first waits for the next look at the loss."""

    def impatient(self, flag):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("kata.train.loop.ProcessGroup.any", impatient)
    with pytest.raises(KeyboardInterrupt):
        train(out=tmp_path / "run")
    assert read_checkpoint(tmp_path / "run").facts["step"] == 0


@pytest.mark.usefixtures("small")
def test_a_process_that_does_not_lead_writes_nothing(tmp_path, monkeypatch):
    """It trains its share; the other one has the folder, the progress and the speed."""
    second = nullcontext(ProcessGroup(rank=1, size=2, local=1))
    monkeypatch.setattr("kata.lab.train.joined_group", lambda device: second)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda flat: flat.mul_(2))
    monkeypatch.setattr(torch.distributed, "all_gather_object", lambda flags, flag: None)
    done = train(out=tmp_path / "run", steps=10, device="cpu")
    assert (done.leads, done.speed) == (False, None)
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_name_has_a_folder_of_its_own(tmp_path, monkeypatch):
    """Also if two begin within a second."""
    monkeypatch.setattr("kata.lab.options.find_root", lambda: tmp_path)
    monkeypatch.setattr(time, "strftime", lambda form: "now")
    first = run_folder(None, "digits")
    assert first == (tmp_path / "checkpoints" / "runs" / "digits-now").resolve()
    first.mkdir(parents=True)
    assert run_folder(None, "digits") == first.with_name("digits-now-2")


@pytest.mark.usefixtures("small")
def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match=r"cannot write there \(.*name another folder"):
        train(out=tmp_path / "file" / "run")
