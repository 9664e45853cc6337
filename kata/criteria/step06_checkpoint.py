"""Criteria of step 6 about checkpoints."""

import pickle
import tempfile
from pathlib import Path

import torch

from kata.criteria.questions import asks
from kata.criteria.rules import SAME, Criterion, Values, close, rule
from kata.criteria.step06_trainer import numbers, quietly, scripted

SCRIPT = Criterion(close(1e-3))


def saved(trainer, folder, as_text=False):
    """Save a checkpoint, rename the file, and return its path."""
    path = Path(folder) / "checkpoint.pt"
    trainer.save_checkpoint(str(path) if as_text else path)
    return path.rename(path.with_name("moved.pt"))


def brief(step, g, **options):
    """Return a trainer of a scripted model, on one batch an epoch."""
    return scripted(step, g, batches=1, **options)


def another(step, g, model, batches=3):
    """Return a trainer of another model, already trained, that follows the script of a model."""
    other = scripted(step, g, batches=batches, lr=0.05, weight_decay=0.1)
    other.train(1)
    other.model.errors, other.model.gradients = model.errors, model.gradients
    other.model.turn = model.turn
    return other


SAVED_OPTIONS = {"lr": 0.02, "weight_decay": 0.3}
"""Options of a trainer that saves; the one that loads has others."""


@asks("ConditionalTrainer")
@quietly
def checkpoint_is_plain_data(step, g):
    trainer = brief(step, g)
    trainer.train(1)
    with tempfile.TemporaryDirectory() as folder:
        file = saved(trainer, folder)
        try:
            torch.load(file, weights_only=True)
            plain = True
        except pickle.UnpicklingError:
            plain = False
        return {"plain": plain, "files": len(list(file.parent.iterdir()))}


def _plain(a: Values, b: Values) -> bool:
    """Return whether both checkpoints are plain data; the number of files does not matter."""
    return a.keys() == b.keys() and bool((a["plain"] == b["plain"]).all())


rule(checkpoint_is_plain_data, Criterion(_plain, SAME, testimony=True))


@asks("ConditionalTrainer")
@quietly
def checkpoint_brings_model_and_losses_back(step, g):
    answers = {}
    for as_text in (True, False):
        trainer = brief(step, g, lr=0.05, weight_decay=0.1)
        trainer.train(2)
        with tempfile.TemporaryDirectory() as folder:
            file = saved(trainer, folder, as_text)
            trainer.train(1)
            other = another(step, g, trainer.model, 1)
            other.load_checkpoint(str(file) if as_text else file)
        answers[f"text {as_text}: parameters"] = other.model.place
        answers[f"text {as_text}: losses"] = numbers(other.losses)
    return answers


rule(checkpoint_brings_model_and_losses_back, SCRIPT)


@asks("ConditionalTrainer")
@quietly
def training_goes_on_from_a_checkpoint_as_if_never_interrupted(step, g):
    answers = {}
    for epochs in (1, 3):
        trainer = brief(step, g, lr=0.05, weight_decay=0.1)
        trainer.train(epochs)
        with tempfile.TemporaryDirectory() as folder:
            file = saved(trainer, folder)
            other = another(step, g, trainer.model, 1)
            other.load_checkpoint(file)
        answers[f"{epochs}: average"] = numbers(other.train(1))
        answers[f"{epochs}: parameters"] = other.model.place
        answers[f"{epochs}: losses"] = numbers(other.losses)
    return answers


rule(training_goes_on_from_a_checkpoint_as_if_never_interrupted, SCRIPT)


@asks("ConditionalTrainer")
@quietly
def checkpoint_brings_the_learning_rate_back(step, g):
    trainer = brief(step, g, **SAVED_OPTIONS)
    trainer.train(1)
    trainer.optimizer.param_groups[0]["lr"] = 0.004
    with tempfile.TemporaryDirectory() as folder:
        file = saved(trainer, folder)
        other = another(step, g, trainer.model, 1)
        other.load_checkpoint(file)
    other.train(1)
    return {"parameters": other.model.place}


rule(checkpoint_brings_the_learning_rate_back, SCRIPT)


@asks("ConditionalTrainer")
@quietly
def checkpoint_can_be_written_and_read_again(step, g):
    trainer, answers = brief(step, g, lr=0.05), {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        for _ in range(2):
            trainer.train(1)
            trainer.save_checkpoint(path)
        other = another(step, g, trainer.model, 1)
        for i in range(2):
            other.load_checkpoint(path)
            answers[f"{i}: losses"] = numbers(other.losses)
            other.model.turn = trainer.model.turn
            other.train(1)
            answers[f"{i}: parameters"] = other.model.place
    return answers


rule(checkpoint_can_be_written_and_read_again, SCRIPT)
