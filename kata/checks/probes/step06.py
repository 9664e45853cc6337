"""What step 6 is asked: the line, the loss, and the trainer.

What is drawn, and in which order, is free. So the loss is asked with a model that records what it
was given, and the trainer with one whose errors and gradients are written beforehand, whatever is drawn.
"""

import contextlib
import io
import pickle
import re
import tempfile
from functools import wraps
from pathlib import Path

import torch

from kata.checks.models import PointMass
from kata.checks.probes import asks
from kata.checks.probes.noise import branch, tally, with_generators, with_the_global_one
from kata.checks.recorders import Recorder, Scripted, Stream, batch, batches, blank_batches
from kata.given import get_device


def recorded(step, model, x0, y, *more, **options):
    """The loss of a batch, how often the model was called for it, and what it was given first."""
    model.calls.clear()
    loss = step.flow_matching_loss(model, x0, y, *more, **options)
    x, t, labels = model.calls[0]
    return {"loss": loss, "x0": x0, "x": x, "t": t, "labels": labels, "calls": len(model.calls)}


@asks("interpolate")
def interpolate_follows_the_line(step, g):
    points = {}
    for shape in [(1, 1, 3, 4), (4, 3, 5, 4), (4, 1, 4, 4), (5, 4, 5, 6), (3, 3, 2, 6)]:
        x0, x1 = torch.randn(2, *shape, generator=g, dtype=torch.float64)
        t = torch.rand(shape[0], generator=g, dtype=torch.float64)
        points[f"{shape}: x_t"], points[f"{shape}: v"] = step.interpolate(x0, x1, t)
    return points


@asks("interpolate")
def the_line_begins_at_the_data_and_ends_at_the_noise(step, g):
    x0, x1 = torch.randn(2, 3, 1, 3, 4, generator=g, dtype=torch.float64)
    t = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64)
    return {"x_t": step.interpolate(x0, x1, t)[0]}


@asks("interpolate")
def interpolate_changes_no_input(step, g):
    inputs = [*torch.randn(2, 4, 3, 5, 4, generator=g), torch.rand(4, generator=g)]
    before = [tensor.clone() for tensor in inputs]
    step.interpolate(*inputs)
    return {
        name: not torch.equal(*pair)
        for name, *pair in zip(("x0", "x1", "t"), before, inputs, strict=True)
    }


@asks("flow_matching_loss")
def loss_is_the_mean_squared_error(step, g):
    answers = {}
    for size, shape, k, p in [
        *[(1, (1, 3, 4), 3, 0.0), (5, (3, 4, 5), 7, 0.0), (4, (1, 4, 4), 3, 0.0)],
        *[(32, (4, 6, 3), 10, 0.0), (32, (4, 6, 3), 10, 0.5)],
    ]:
        model = Recorder(g, k, shape[0])
        asked = recorded(step, model, *batch(g, size, shape, k), label_drop_prob=p, num_classes=k)
        asked["output"] = model.outputs[0]
        answers |= {f"{size} of {shape}, p={p}: {name}": value for name, value in asked.items()}
    return answers


@asks("flow_matching_loss")
def exact_velocity_has_no_loss(step, g):
    answers = {}
    for size, shape in [(1, (1, 3, 4)), (6, (3, 5, 6))]:
        mu, y = torch.randn(1, *shape, generator=g), torch.arange(size) % 3
        model = PointMass(mu.expand(4, *shape))
        asked = recorded(step, model, mu.expand(size, *shape), y, num_classes=3)
        answers |= {f"{size}: {name}": asked[name] for name in ("loss", "t")}
    return answers


@asks("flow_matching_loss")
def gradient_of_the_loss(step, g):
    model = Recorder(g)
    asked = recorded(step, model, *batch(g, 400), label_drop_prob=0.5, num_classes=3)
    loss, output = asked["loss"], model.outputs[0]
    is_tensor = isinstance(loss, torch.Tensor)
    has_graph = is_tensor and loss.requires_grad
    if has_graph:
        loss.sum().backward()
    gradient = model.gradients[-1] if model.gradients else torch.full_like(output, torch.nan)
    facts = {"is tensor": is_tensor, "has graph": has_graph, "output": output, "gradient": gradient}
    return facts | {name: asked[name] for name in ("loss", "x0", "x", "t")}


@asks("flow_matching_loss")
def mode_is_left_alone(step, g):
    modes = {}
    for training in (True, False):
        model = Recorder(g).train(training)
        step.flow_matching_loss(model, *batch(g, 4), num_classes=3)
        modes[f"{training}: meanwhile"] = torch.tensor(model.modes + model.inside_training)
        modes[f"{training}: after"] = torch.tensor([part.training for part in model.modules()])
    return modes


@asks("flow_matching_loss")
def images_and_labels_are_not_changed(step, g):
    x0, y = batch(g, 40)
    before = x0.clone(), y.clone()
    step.flow_matching_loss(Recorder(g), x0, y, 0.5, 3)
    return {"x0": not torch.equal(before[0], x0), "y": not torch.equal(before[1], y)}


def noise_of(step, g, own):
    """The noise of a batch of 1000 images, worked out where t is not near 0: the first 900 such samples."""
    asked = recorded(
        step, Recorder(g, 3, 2), *batch(g, 1000, (2, 6, 8)), num_classes=3, generator=own
    )
    x0, t = asked["x0"], asked["t"]
    x1 = x0 + (asked["x"].double() - x0) / t.double().view(-1, 1, 1, 1)
    return x1[t > 0.01][:900]


@asks("flow_matching_loss")
def noise_is_standard_normal(step, g):
    return {
        f"generator {own is not None}: tally": tally(noise_of(step, g, own))
        for own in (branch(g), None)
    }


@asks("flow_matching_loss")
def noise_is_independent(step, g):
    answers = {}
    for own in (branch(g), None):
        x1, later = noise_of(step, g, own), noise_of(step, g, own)
        half, common = len(x1) // 2, min(len(x1) // 2, len(later))
        pairs = [
            (x1[: 2 * half : 2], x1[1 : 2 * half : 2]),
            (x1[:half], x1[half : 2 * half]),
            (x1[:, 0], x1[:, 1]),
            (x1[:, :, ::2], x1[:, :, 1::2]),
            (x1[..., ::2], x1[..., 1::2]),
            (x1[:common], later[:common]),
        ]
        same = [((one > 0) == (other > 0)).sum() for one, other in pairs]
        repeated = len(x1) - len(torch.unique((50 * x1.abs()).round(), dim=0))
        answers[f"generator {own is not None}: pairs"] = torch.stack(same)
        answers[f"generator {own is not None}: tally"] = tally(x1.mean(dim=(2, 3)) * 48**0.5)
        answers[f"generator {own is not None}: repeated"] = torch.tensor([repeated // 9])
    return answers


@asks("flow_matching_loss")
def times_are_uniform(step, g):
    answers = {}
    for own in (branch(g), None):
        asked = recorded(
            step, Recorder(g), *batch(g, 4000, (1, 2, 3)), num_classes=3, generator=own
        )
        t = asked["t"].double()
        quarter = (4 * t).floor() - (t == 1).int()
        counts = torch.stack([(quarter == q).sum() for q in range(4)])
        outside = ((t < 0) | (t > 1)).sum().view(1)
        repeated = torch.tensor([(len(t) - len(t.unique())) // 100])
        name = f"generator {own is not None}"
        # The fullest quarter first: which one it is may be chance.
        answers[f"{name}: quarters"] = counts.sort(descending=True).values
        answers |= {f"{name}: outside": outside, f"{name}: repeated": repeated}
    return answers


def fate(labels, y, null):
    """How many labels became null, and how many something else: `(2,)`."""
    dropped = labels == null
    return torch.stack([dropped.sum(), (~dropped & (labels != y)).sum()])


@asks("flow_matching_loss")
def share_of_dropped_labels_by_default(step, g):
    answers = {}
    for own in (branch(g), None):
        x0, y = batch(g, 4000, (1, 2, 3), 10)
        asked = recorded(step, Recorder(g, 10), x0, y, generator=own)
        answers[f"generator {own is not None}: fate"] = fate(asked["labels"], y, 10)
    return answers


@asks("flow_matching_loss")
def all_labels_or_none_reach_the_model(step, g):
    reached = {}
    for k in (3, 7):
        for p in (0.0, 1.0):
            asked = recorded(step, Recorder(g, k), *batch(g, 40, num_classes=k), p, k)
            reached[f"K={k}, p={p}"] = asked["labels"]
    return reached


@asks("flow_matching_loss")
def dropping_noise_and_time_are_independent(step, g):
    answers = {}
    for own in (branch(g), None):
        asked = recorded(step, Recorder(g), *batch(g, 4000, (1, 2, 3)), 0.5, 3, generator=own)
        late, dropped = asked["t"] > 0.5, asked["labels"] == 3
        t = asked["t"].view(-1, 1, 1, 1)
        positive = (asked["x"] - (1 - t) * asked["x0"])[:, 0, 0, 0] > 0
        both = [dropped == late, positive == late, positive == dropped]
        answers[f"generator {own is not None}: both"] = torch.stack([pair.sum() for pair in both])
    return answers


def parts(step, g, ask):
    """The loss, and the images, times and labels that the model was given, all drawn as `ask` says."""
    model, (x0, y) = Recorder(g), batch(g, 50)

    def drawn(part, own):
        return torch.as_tensor(recorded(step, model, x0, y, 0.5, 3, own)[part]).detach()

    return {
        f"{part}: {name}": value
        for part in ("loss", "x", "t", "labels")
        for name, value in ask(lambda own, part=part: drawn(part, own)).items()
    }


@asks("flow_matching_loss")
def generator_decides_the_loss(step, g):
    return parts(step, g, lambda draw: with_generators(draw, g))


@asks("flow_matching_loss")
def without_a_generator_the_global_one_is_used(step, g):
    return parts(step, g, with_the_global_one)


def scripted(step, g, **options):
    """A trainer on the CPU of a model whose losses and gradients are written beforehand."""
    return step.ConditionalTrainer(Scripted(g), blank_batches(g), device="cpu", **options)


def numbers(values):
    """A list of losses as a tensor; NaN for what is no list."""
    if not isinstance(values, list | tuple):
        return torch.tensor(torch.nan)
    return torch.tensor([float(torch.as_tensor(v).detach()) for v in values], dtype=torch.float64)


def quietly(probe):
    """The probe, with what it prints kept from the terminal."""

    @wraps(probe)
    def asked(step, g):
        with contextlib.redirect_stdout(io.StringIO()):
            return probe(step, g)

    return asked


@asks("ConditionalTrainer")
@quietly
def optimizer_is_adamw_over_all_parameters(step, g):
    made = {}
    for options in ({}, {"lr": 0.02, "weight_decay": 0.3}):
        model = Recorder(g)
        optimizer = step.ConditionalTrainer(model, [], device="cpu", **options).optimizer
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        made[f"{options}: AdamW"] = isinstance(optimizer, torch.optim.AdamW)
        made[f"{options}: parameters"] = torch.tensor([id(p) in held for p in model.parameters()])
        for name in ("lr", "weight_decay", "eps", "amsgrad"):
            found = {float(group.get(name, torch.nan)) for group in optimizer.param_groups}
            made[f"{options}: {name}"] = torch.tensor(sorted(found))
        betas = {group["betas"] for group in optimizer.param_groups}
        made[f"{options}: betas"] = torch.tensor(sorted(betas))
    return made


@asks("ConditionalTrainer")
@quietly
def parameters_go_the_way_of_adamw(step, g):
    places = {}
    for lr, weight_decay, epochs in [(0.05, 0.0, [1]), (0.05, 0.5, [3]), (0.01, 0.1, [2, 1])]:
        trainer = scripted(step, g, lr=lr, weight_decay=weight_decay)
        for i, count in enumerate(epochs):
            trainer.train(count)
            places[f"lr={lr}, {epochs}, call {i}"] = trainer.model.place
    model, loader = Recorder(g), batches(g)
    step.ConditionalTrainer(model, loader, num_classes=3, device="cpu").train(1)
    joined = {
        "x0": torch.cat([x0 for x0, _ in loader]),
        "x": torch.cat([x for x, _, _ in model.calls]),
        "t": torch.cat([t for _, t, _ in model.calls]),
        "output": torch.cat(model.outputs),
        "gradient of a pixel": torch.cat([each * each.numel() for each in model.gradients]),
    }
    return places | joined


@asks("ConditionalTrainer")
@quietly
def average_loss_is_the_plain_mean_of_the_batches(step, g):
    trainer = scripted(step, g)
    averages = trainer.train(2)
    floats = isinstance(averages, list | tuple) and all(isinstance(x, float) for x in averages)
    return {"averages": numbers(averages), "floats": floats, "times of 0": trainer.model.at_zero}


@asks("ConditionalTrainer")
@quietly
def train_goes_on_where_it_stopped(step, g):
    trainer = scripted(step, g)
    before, first, second = numbers(trainer.losses), trainer.train(3), trainer.train(2)
    losses = {"first": first, "second": second, "all": trainer.losses}
    return {
        "before": before,
        "times of 0": trainer.model.at_zero,
        **{name: numbers(values) for name, values in losses.items()},
    }


@asks("ConditionalTrainer")
@quietly
def every_epoch_uses_every_batch_the_loader_yields(step, g):
    loader, model = Stream(g), Recorder(g, 10)
    step.ConditionalTrainer(model, loader, label_drop_prob=0.0, device="cpu").train(3)
    return {
        "served": torch.stack(loader.served),
        "asked": torch.cat([labels for _, _, labels in model.calls]),
        "sizes": torch.tensor([len(labels) for _, _, labels in model.calls]),
    }


@asks("ConditionalTrainer")
@quietly
def train_sets_train_mode(step, g):
    model = Recorder(g)
    loader = batches(g)
    trainer = step.ConditionalTrainer(model, loader, num_classes=3, device="cpu")
    for _ in range(2):
        trainer.model.eval()
        trainer.train(1)
    return {"outside": torch.tensor(model.modes), "inside": torch.tensor(model.inside_training)}


@asks("ConditionalTrainer")
@quietly
def trainer_drops_labels(step, g):
    fates = {}
    for name, k, options in [
        ("default", 10, {}),
        ("told", 3, {"label_drop_prob": 0.5, "num_classes": 3}),
    ]:
        model, (x0, y) = Recorder(g, k), batch(g, 4000, (1, 2, 3), k)
        step.ConditionalTrainer(model, [(x0, y)], device="cpu", **options).train(1)
        fates[f"fate: {name}"] = fate(torch.cat([labels for _, _, labels in model.calls]), y, k)
    return fates


@asks("ConditionalTrainer")
@quietly
def every_batch_draws_anew(step, g):
    times = []
    for seed in torch.randint(2**31, (2,), generator=g).tolist():
        torch.manual_seed(seed)
        model, loader = Recorder(g), batches(g)
        trainer = step.ConditionalTrainer(model, loader, num_classes=3, device="cpu")
        for epochs in (2, 1):
            trainer.train(epochs)
        times += [t for _, t, _ in model.calls]
    together = (1e6 * torch.cat(times).double()).round()
    return {"times": len(together), "different": len(together.unique())}


@asks("ConditionalTrainer")
def what_is_printed(step, g):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        trainer = scripted(step, g, label_drop_prob=0.35)
        trainer.train(3)
    text = output.getvalue()
    lines = re.findall(r"Epoch\s+(\d+)(?:\s*/\s*\d+)?\s*:\s*avg_loss\s*=\s*([-+.\deE]+)", text)
    above = re.sub("Epoch.*", "", text)
    return {
        "device": re.search(r"(?i)cpu", above) is not None,
        "parameters": re.search(r"111|\d\s?[MK]|million", above) is not None,
        "dropout": re.search(r"0?\.350*|35(\.0+)?\s?%", above) is not None,
        "epochs": torch.tensor([int(number) for number, _ in lines]),
        "averages": numbers([float(value) for _, value in lines]),
        "times of 0": trainer.model.at_zero,
    }


@asks("ConditionalTrainer")
@quietly
def device_by_default(step, g):
    loader = batches(g)
    trainer = step.ConditionalTrainer(Recorder(g), loader, num_classes=3)
    trainer.train(1)
    devices = {p.device.type for p in trainer.model.parameters()}
    return {"that of get_device()": devices == {get_device().type}}


@asks("ConditionalTrainer")
@quietly
def model_is_moved_to_the_device(step, g):
    moved = {}
    for device in ("meta", torch.device("meta")):
        trainer = step.ConditionalTrainer(Recorder(g), [], device=device)
        moved[f"{device!r}"] = all(p.is_meta for p in trainer.model.parameters())
    return moved


@asks("ConditionalTrainer")
@quietly
def batches_are_moved_to_the_device(step, g):
    moved = {}
    for which, name in enumerate(("images", "labels")):
        elsewhere = list(batch(g, 4))
        elsewhere[which] = elsewhere[which].to("meta")
        moved[name] = False
        try:
            step.ConditionalTrainer(Recorder(g), [elsewhere], num_classes=3, device="cpu").train(1)
        except (NotImplementedError, RuntimeError) as error:
            if isinstance(error, NotImplementedError) and "meta" not in str(error):
                raise
            moved[name] = "copy out of meta" in str(error)
    return moved


def saved(trainer, folder, as_text=False):
    """A checkpoint, the file under another name afterwards."""
    path = Path(folder) / "checkpoint.pt"
    trainer.save_checkpoint(str(path) if as_text else path)
    return path.rename(path.with_name("moved.pt"))


def another(step, g, model):
    """A trainer of another model with epochs of its own, whose script is that of a model."""
    other = scripted(step, g, lr=0.05, weight_decay=0.1)
    other.train(1)
    other.model.errors, other.model.gradients = model.errors, model.gradients
    other.model.turn = model.turn
    return other


@asks("ConditionalTrainer")
@quietly
def checkpoint_is_plain_data(step, g):
    trainer = scripted(step, g)
    trainer.train(1)
    with tempfile.TemporaryDirectory() as folder:
        file = saved(trainer, folder)
        try:
            torch.load(file, weights_only=True)
            plain = True
        except pickle.UnpicklingError:
            plain = False
        return {"plain": plain, "files": len(list(file.parent.iterdir()))}


@asks("ConditionalTrainer")
@quietly
def checkpoint_brings_model_and_losses_back(step, g):
    answers = {}
    for as_text in (True, False):
        trainer = scripted(step, g, lr=0.05, weight_decay=0.1)
        trainer.train(2)
        with tempfile.TemporaryDirectory() as folder:
            file = saved(trainer, folder, as_text)
            trainer.train(1)
            other = another(step, g, trainer.model)
            other.load_checkpoint(str(file) if as_text else file)
        answers[f"text {as_text}: parameters"] = other.model.place
        answers[f"text {as_text}: losses"] = numbers(other.losses)
        answers[f"text {as_text}: times of 0"] = trainer.model.at_zero + other.model.at_zero
    return answers


@asks("ConditionalTrainer")
@quietly
def training_goes_on_from_a_checkpoint_as_if_never_interrupted(step, g):
    answers = {}
    for epochs in (1, 3):
        trainer = scripted(step, g, lr=0.05, weight_decay=0.1)
        trainer.train(epochs)
        with tempfile.TemporaryDirectory() as folder:
            file = saved(trainer, folder)
            other = another(step, g, trainer.model)
            other.load_checkpoint(file)
        answers[f"{epochs}: average"] = numbers(other.train(1))
        answers[f"{epochs}: parameters"] = other.model.place
        answers[f"{epochs}: losses"] = numbers(other.losses)
        answers[f"{epochs}: times of 0"] = trainer.model.at_zero + other.model.at_zero
    return answers
