"""Criteria of step 6 about its trainer.

Most of them train a model whose losses and gradients follow a script, whatever is drawn.
"""

import contextlib
import io
import re
from functools import wraps

import torch
from torch import Tensor

from kata.criteria.questions import NEAR, asks
from kata.criteria.rules import (
    ON_ANY_DEVICE,
    SAME,
    SINGLE_OR_DOUBLE,
    TESTIMONY,
    Criterion,
    Values,
    close,
    counts,
    rule,
    seen,
    viewed,
)
from kata.criteria.step06 import fate, large_batch
from kata.criteria.step06_views import is_noise, missed, noise_in
from kata.given import get_device
from kata.testing.spies import (
    AtZero,
    FreshBatches,
    Recorder,
    Scripted,
    batch,
    batches,
    blank_batches,
)

OPTIMIZER_OPTIONS: tuple[dict[str, float], ...] = ({}, {"lr": 0.02, "weight_decay": 0.3})

ADAMW_RUNS = [(0.05, 0.0, [1]), (0.05, 0.5, [3]), (0.01, 0.1, [2, 1])]
"""Learning rate, weight decay, and the epochs of each call of train."""

DROPPING = {
    "default": (10, {}),
    "told": (3, {"label_drop_prob": 0.5, "num_classes": 3}),
    "never": (10, {"label_drop_prob": 0.0}),
    "always": (26, {"label_drop_prob": 1.0, "num_classes": 26}),
}
"""Number of classes and options of trainers that drop labels."""

PRINTED = {
    "device, cpu": r"(?i)\bcpu\b",
    "number of parameters, 111": r"\b111\b|\d\s?[MK]\b|million",
    "label dropout, 0.35 or 35%": r"0?\.350*\b|\b35(\.0+)?\s?%",
}
"""What the trainer prints before the epochs, and patterns that find it."""

DEVICES = ("meta", torch.device("meta"))


def scripted(step, g, calls=30, batches=3, **options):
    """Return a trainer on the CPU, of a model whose losses and gradients follow a script."""
    loader = blank_batches(g)[:batches]
    return step.ConditionalTrainer(Scripted(g, calls), loader, device="cpu", **options)


def recording(step, g, loader=None, **options):
    """Return a trainer on the CPU, of a model that records its calls, and that model."""
    model, loader = Recorder(g), batches(g) if loader is None else loader
    options = {"num_classes": 3, "device": "cpu", **options}
    return step.ConditionalTrainer(model, loader, **options), model


def epoch_lines(text):
    """Return the number and the average loss of each line `Epoch n: avg_loss = ...` of a text."""
    lines = re.findall(r"Epoch\s+(\d+)(?:\s*/\s*\d+)?\s*:\s*avg_loss\s*=\s*([-+.\deE]+)", text)
    return [int(number) for number, _ in lines], [float(value) for _, value in lines]


def header(text):
    """Return a text without its lines `Epoch n: avg_loss = ...`."""
    return re.sub(r"Epoch\s+\d+[^\n]*avg_loss[^\n]*", "", text)


def elsewhere(g, part):
    """Draw a batch whose images (part 0) or labels (part 1) are on another device."""
    drawn = list(batch(g, 4))
    drawn[part] = drawn[part].to("meta")
    return drawn


def numbers(values):
    """Return a list of losses as a tensor, and NaN for anything that is not a list."""
    if not isinstance(values, list | tuple):
        return torch.tensor(torch.nan)
    return torch.tensor([float(torch.as_tensor(v).detach()) for v in values], dtype=torch.float64)


def quietly(question):
    """Keep the output of a question off the terminal; ask anew, twice, if a time was exactly 0."""

    @wraps(question)
    def asked(step, g):
        with contextlib.redirect_stdout(io.StringIO()):
            for _ in range(2):
                with contextlib.suppress(AtZero):
                    return question(step, g)
            return question(step, g)

    return asked


@asks("ConditionalTrainer")
@quietly
def optimizer_is_adamw_over_all_parameters(step, g):
    made = {}
    for options in OPTIMIZER_OPTIONS:
        trainer, model = recording(step, g, [], **options)
        optimizer = trainer.optimizer
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        made[f"{options}: AdamW"] = isinstance(optimizer, torch.optim.AdamW)
        made[f"{options}: parameters"] = torch.tensor([id(p) in held for p in model.parameters()])
        for name in ("lr", "weight_decay", "eps", "amsgrad"):
            found = {float(group.get(name, torch.nan)) for group in optimizer.param_groups}
            made[f"{options}: {name}"] = torch.tensor(sorted(found))
        betas = {group["betas"] for group in optimizer.param_groups}
        made[f"{options}: betas"] = torch.tensor(sorted(betas))
    return made


rule(optimizer_is_adamw_over_all_parameters, Criterion(close(1e-09), testimony=True))


@asks("ConditionalTrainer")
@quietly
def parameters_go_the_way_of_adamw(step, g):
    places = {}
    for lr, weight_decay, epochs in ADAMW_RUNS:
        trainer = scripted(step, g, lr=lr, weight_decay=weight_decay)
        for i, count in enumerate(epochs):
            trainer.train(count)
            places[f"lr={lr}, {epochs}, call {i}"] = trainer.model.place
    loader = batches(g)
    trainer, model = recording(step, g, loader)
    trainer.train(1)
    joined = {
        "x0": torch.cat([x0 for x0, _ in loader]),
        "x": torch.cat([x for x, _, _ in model.calls]),
        "t": torch.cat([t for _, t, _ in model.calls]),
        "output": torch.cat(model.outputs),
        "gradient of a pixel": torch.cat([each * each.numel() for each in model.gradients]),
    }
    return places | joined


def _steps(values: Values) -> Values:
    """Return where the parameters went, and whether the gradients were those of the loss."""
    v = dict(values)
    parts = [v.pop(name) for name in ("x", "x0", "t", "output", "gradient of a pixel")]
    telling = bool((parts[2] > NEAR).sum() >= 7)  # at t = 0 any target fits
    right = telling and bool(missed(*parts).abs().max() < 1e-4)
    return v | {
        "x0": parts[1],
        "right": torch.tensor(right),
        "noise": is_noise(noise_in(*parts[:3])),
    }


rule(
    parameters_go_the_way_of_adamw,
    Criterion(seen(_steps, close(0.0001)), dtypes=SINGLE_OR_DOUBLE),
)


@asks("ConditionalTrainer")
@quietly
def average_loss_is_the_plain_mean_of_the_batches(step, g):
    trainer = scripted(step, g)
    averages = trainer.train(2)
    floats = isinstance(averages, list | tuple) and all(isinstance(x, float) for x in averages)
    return {"averages": numbers(averages), "floats": floats}


SCRIPT = Criterion(close(1e-3))


rule(average_loss_is_the_plain_mean_of_the_batches, SCRIPT)


@asks("ConditionalTrainer")
@quietly
def train_goes_on_where_it_stopped(step, g):
    trainer = scripted(step, g)
    before, first, second = numbers(trainer.losses), trainer.train(3), trainer.train(2)
    losses = {"first": first, "second": second, "all": trainer.losses}
    return {"before": before, **{name: numbers(values) for name, values in losses.items()}}


rule(train_goes_on_where_it_stopped, SCRIPT)


@asks("ConditionalTrainer")
@quietly
def every_epoch_uses_every_batch_the_loader_yields(step, g):
    loader, model = FreshBatches(g), Recorder(g, 10)
    step.ConditionalTrainer(model, loader, label_drop_prob=0.0, device="cpu").train(3)
    return {
        "served": torch.stack(loader.served),
        "asked": torch.cat([labels for _, _, labels in model.calls]),
        "sizes": torch.tensor([len(labels) for _, _, labels in model.calls]),
    }


def _epochs(values: Values, served: Tensor) -> Values:
    """Return the sizes of batches, and whether each epoch used its own pass of the loader."""
    asked = values["asked"].reshape(-1, 10)
    fits = ((asked[:, None] == served) | (asked[:, None] == 10)).all(-1)
    turn = torch.where(fits.any(1), fits.int().argmax(1), -1)
    different = len(turn.unique()) == len(turn)
    return {"sizes": values["sizes"], "used": fits.any(1), "different": torch.tensor(different)}


def _same_epochs(a: Values, b: Values) -> bool:
    """Return whether both used the passes of the loader alike; b knows what was served."""
    return SAME(a, b) or SAME(_epochs(a, b["served"]), _epochs(b, b["served"]))


rule(every_epoch_uses_every_batch_the_loader_yields, Criterion(_same_epochs))


@asks("ConditionalTrainer")
@quietly
def train_sets_train_mode(step, g):
    trainer, model = recording(step, g)
    for _ in range(2):
        trainer.model.eval()
        trainer.train(1)
    return {"outside": torch.tensor(model.modes), "inside": torch.tensor(model.inside_training)}


rule(train_sets_train_mode, TESTIMONY)


@asks("ConditionalTrainer")
@quietly
def trainer_drops_labels(step, g):
    fates = {}
    for name, (k, options) in DROPPING.items():
        model, (x0, y) = Recorder(g, k), large_batch(g, k)
        step.ConditionalTrainer(model, [(x0, y)], device="cpu", **options).train(1)
        fates[f"fate: {name}"] = fate(torch.cat([labels for _, _, labels in model.calls]), y, k)
    return fates


rule(
    trainer_drops_labels,
    counts(
        default=(4000, (0.1, 0.0)),
        told=(4000, (0.5, 0.0)),
        never=(4000, (0.0, 0.0)),
        always=(4000, (1.0, 0.0)),
    ),
)


@asks("ConditionalTrainer")
@quietly
def every_batch_draws_anew(step, g):
    times = []
    for seed in torch.randint(2**31, (2,), generator=g).tolist():
        torch.manual_seed(seed)
        trainer, model = recording(step, g)
        for epochs in (2, 1):
            trainer.train(epochs)
        times += [t for _, t, _ in model.calls]
    together = (1e6 * torch.cat(times).double()).round()
    return {"times": len(together), "different": len(together.unique())}


def _share_different(values: Values) -> Values:
    """Return the number of times, and the share of different ones."""
    return {"times": values["times"], "share": values["different"] / values["times"]}


rule(every_batch_draws_anew, viewed(_share_different, close(0.08)).told)


@asks("ConditionalTrainer")
@quietly
def what_is_printed(step, g):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        trainer = scripted(step, g, label_drop_prob=0.35)
        trainer.train(3)
    text = output.getvalue()
    above, (epochs, averages) = header(text), epoch_lines(text)
    return {
        **{what: re.search(pattern, above) is not None for what, pattern in PRINTED.items()},
        "epochs": torch.tensor(epochs),
        "averages": numbers(averages),
    }


rule(what_is_printed, Criterion(close(1e-3), testimony=True))


@asks("ConditionalTrainer")
@quietly
def device_by_default(step, g):
    loader = batches(g)
    trainer = step.ConditionalTrainer(Recorder(g), loader, num_classes=3)
    trainer.train(1)
    devices = {p.device.type for p in trainer.model.parameters()}
    return {"that of get_device()": devices == {get_device().type}}


rule(device_by_default, ON_ANY_DEVICE)


@asks("ConditionalTrainer")
@quietly
def model_is_moved_to_the_device(step, g):
    moved = {}
    for device in DEVICES:
        trainer, _ = recording(step, g, [], device=device)
        moved[f"{device!r}"] = all(p.is_meta for p in trainer.model.parameters())
    return moved


rule(model_is_moved_to_the_device, ON_ANY_DEVICE)


@asks("ConditionalTrainer")
@quietly
def batches_are_moved_to_the_device(step, g):
    moved = {}
    for part, name in enumerate(("images", "labels")):
        moved[name] = False
        try:
            recording(step, g, [elsewhere(g, part)])[0].train(1)
        except (NotImplementedError, RuntimeError) as error:
            if isinstance(error, NotImplementedError) and "meta" not in str(error):
                raise
            moved[name] = "copy out of meta" in str(error)
    return moved


rule(batches_are_moved_to_the_device, ON_ANY_DEVICE)
