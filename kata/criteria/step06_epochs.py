"""Criteria of step 6 about the trainer's calls: many epochs, small batches, what it finds."""

import contextlib
import io
import math
import re

import torch

from kata.criteria.questions import asks
from kata.criteria.rules import TESTIMONY, Criterion, close, rule
from kata.criteria.step06_trainer import epoch_lines, header, numbers, quietly, scripted
from kata.testing.spies import Scripted

MANY = 105
"""A number of epochs, of one batch each, in which the loss often rises several times in a row."""

UNEVEN = (1, 30, 1)
"""Sizes of batches."""

CALLS_OF_TRAIN = (2, 1, 12)

PROBABILITIES = (0.005, 0.125)
"""Label dropout that a rounded percentage would not show."""

FOUND = ("eval mode", "old gradients", "a frozen part")
"""What train may find."""

RATES = (0.05, 0.002)
"""The learning rates of two calls of train."""


def uneven(step, g):
    """Return a trainer of a scripted model, on batches of uneven sizes."""
    loader = [(torch.zeros(n, 1, 3, 4), torch.randint(10, (n,), generator=g)) for n in UNEVEN]
    return step.ConditionalTrainer(Scripted(g), loader, device="cpu")


def prepare(model, found):
    """Put a scripted model into the state that train finds."""
    model.train(found != "eval mode")
    if found == "old gradients":
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 5.0)
    if found == "a frozen part":
        model.bias.requires_grad_(False)


def shows(text, probability):
    """Return whether a text has a number, or a percentage, that is this probability."""
    found = re.findall(r"(?<![\d.])(\d*\.?\d+(?:e-?\d+)?)\s?(%?)", text)
    shares = [float(number) / (100 if percent else 1) for number, percent in found]
    return any(math.isclose(share, probability, rel_tol=1e-6) for share in shares)


def output_of(call):
    """Return what a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        call()
    return output.getvalue()


@asks("ConditionalTrainer")
@quietly
def the_model_handed_in_is_trained(step, g):
    model = Scripted(g)
    trainer = step.ConditionalTrainer(model, [], device="cpu")
    held = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    return {"same": trainer.model is model, "held": held == {id(p) for p in model.parameters()}}


rule(the_model_handed_in_is_trained, TESTIMONY)


@asks("ConditionalTrainer")
@quietly
def many_epochs_are_averaged_exactly(step, g):
    trainer = scripted(step, g, calls=MANY, batches=1)
    logs = {"averages, log": numbers(trainer.train(MANY)).log()}
    return logs | {"losses, log": numbers(trainer.losses).log(), "steps": trainer.model.turn}


rule(many_epochs_are_averaged_exactly, Criterion(close(5e-6)))


@asks("ConditionalTrainer")
@quietly
def batches_of_one_count_like_others(step, g):
    trainer = uneven(step, g)
    return {"averages": numbers(trainer.train(2)), "steps": trainer.model.turn}


rule(batches_of_one_count_like_others, Criterion(close(1e-4)))


@asks("ConditionalTrainer")
@quietly
def training_starts_from_any_state(step, g):
    places = {}
    for found in FOUND:
        trainer = scripted(step, g, batches=1, lr=0.05, weight_decay=0.1)
        for call in range(2):
            prepare(trainer.model, found)
            trainer.train(1)
            places[f"{found}, call {call}"] = trainer.model.place
        places[f"{found}: frozen"] = not trainer.model.bias.requires_grad
    return places


rule(training_starts_from_any_state, Criterion(close(1e-4)))


@asks("ConditionalTrainer")
@quietly
def learning_rate_can_be_changed_between_calls(step, g):
    trainer, places = scripted(step, g, batches=1, lr=0.01), {}
    for rate in RATES:
        for group in trainer.optimizer.param_groups:
            group["lr"] = rate
        trainer.train(1)
        places[f"lr={rate}"] = trainer.model.place
    return places


rule(learning_rate_can_be_changed_between_calls, Criterion(close(1e-4)))


@asks("ConditionalTrainer")
@quietly
def no_epoch_changes_nothing(step, g):
    trainer = scripted(step, g)
    trainer.train(2)
    return {
        "returned": numbers(trainer.train(0)),
        "losses": numbers(trainer.losses),
        "parameters": trainer.model.place,
    }


rule(no_epoch_changes_nothing, Criterion(close(1e-3)))


@asks("ConditionalTrainer")
@quietly
def printed_epochs_go_on_over_all_calls(step, g):
    trainer = scripted(step, g, calls=sum(CALLS_OF_TRAIN), batches=1)
    text = output_of(lambda: [trainer.train(epochs) for epochs in CALLS_OF_TRAIN])
    epochs, averages = epoch_lines(text)
    return {"epochs": torch.tensor(epochs), "averages, log": numbers(averages).log()}


rule(printed_epochs_go_on_over_all_calls, Criterion(close(1e-4), testimony=True))


@asks("ConditionalTrainer")
@quietly
def label_dropout_is_printed_as_it_is(step, g):
    def printed(p):
        return output_of(lambda: scripted(step, g, label_drop_prob=p).train(1))

    return {f"p={p}": shows(header(printed(p)), p) for p in PROBABILITIES}


rule(label_dropout_is_printed_as_it_is, TESTIMONY)
