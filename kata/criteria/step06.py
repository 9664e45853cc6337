"""What step 6 is asked: the line and the loss. The trainer's part is step06_trainer.py.

What is drawn, and in which order, is free. So the loss is asked with a model that records what it was given.
"""

import torch
from torch import Tensor

from kata.criteria.questions import asks, branch, tally, with_generators, with_the_global_one
from kata.criteria.rules import (
    REPEATED,
    SHARES,
    TESTIMONY,
    Criterion,
    Values,
    close,
    counts,
    rule,
    seen,
    standard_normal,
    viewed,
)
from kata.testing.models import PointMass
from kata.testing.spies import Recorder, batch


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


rule(interpolate_changes_no_input, TESTIMONY)


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


def _groups(values: Values) -> dict[str, Values]:
    """The values of each case of a question: `<case>: <name>` -> case -> name."""
    cases: dict[str, dict[str, Tensor]] = {}
    for name, value in values.items():
        case, _, part = name.rpartition(": ")
        cases.setdefault(case, {})[part] = value
    return dict(cases)


def _mean_square(values: Values) -> Values:
    """Of every case: its images, how often the model was called, and whether the loss is that of the line."""
    facts: dict[str, Tensor] = {}
    for case, v in _groups(values).items():
        t = v["t"].double().view(-1, 1, 1, 1)
        error = v["output"] - (v["x"].double() - v["x0"]) / t
        # x_t is rounded, which near t = 0 is much of the way from x0 to it.
        rounding = 1e-6 * v["x"].double().abs().clamp(min=1) / t
        expected = error.square().mean()
        slack = (2 * error.abs() * rounding + rounding**2).mean() + 1e-4 * expected.clamp(min=1)
        obeys = (v["loss"] - expected).abs() <= slack
        facts |= {f"{case}: x0": v["x0"], f"{case}: calls": v["calls"]}
        facts |= {f"{case}: obeys": obeys | ~expected.isfinite()}
    return facts


rule(loss_is_the_mean_squared_error, viewed(_mean_square))


@asks("flow_matching_loss")
def exact_velocity_has_no_loss(step, g):
    answers = {}
    for size, shape in [(1, (1, 3, 4)), (6, (3, 5, 6))]:
        mu, y = torch.randn(1, *shape, generator=g), torch.arange(size) % 3
        model = PointMass(mu.expand(4, *shape))
        asked = recorded(step, model, mu.expand(size, *shape), y, num_classes=3)
        answers |= {f"{size}: {name}": asked[name] for name in ("loss", "t")}
    return answers


def _nothing_lost(values: Values) -> Values:
    """Of every case: whether the loss is 0, but for the rounding of x near t = 0."""
    return {
        case: v["loss"].abs() <= 1e-3 + (1e-6 / v["t"].double()).square().mean()
        for case, v in _groups(values).items()
    }


rule(exact_velocity_has_no_loss, viewed(_nothing_lost))


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


def missed(x: Tensor, x0: Tensor, t: Tensor, output: Tensor, pixel: Tensor) -> Tensor:
    """How far the target, which the gradient tells, is from the velocity of the line: t v - (x_t - x0)."""
    target = output - pixel / 2
    return t.view(-1, 1, 1, 1) * target - (x - x0)


def _gradient(values: Values) -> Values:
    """The images, and whether the gradient points to the velocity of the line."""
    v, pixel = values, values["gradient"] * values["gradient"].numel()
    off = missed(v["x"], v["x0"], v["t"], v["output"], pixel)
    facts = {name: v[name] for name in ("x0", "is tensor", "has graph")}
    return facts | {"size": torch.tensor(v["loss"].shape), "right": off.abs().max() < 1e-4}


def _pull(values: Values) -> Values:
    """Where the gradient points to and how strongly, as two numbers that hardly depend on what was drawn."""
    v, pixel = values, values["gradient"] * values["gradient"].numel()
    off = missed(v["x"], v["x0"], v["t"], v["output"], pixel)
    strength = v["loss"].double().mean() / (pixel / 2).square().mean()
    facts = {name: v[name] for name in ("is tensor", "has graph")}
    return facts | {
        "size": torch.tensor(v["loss"].shape),
        "missed": off.square().mean().sqrt(),
        "strength": strength.log(),
    }


rule(gradient_of_the_loss, Criterion(seen(_gradient), seen(_pull, close(0.2))))


@asks("flow_matching_loss")
def mode_is_left_alone(step, g):
    modes = {}
    for training in (True, False):
        model = Recorder(g).train(training)
        step.flow_matching_loss(model, *batch(g, 4), num_classes=3)
        modes[f"{training}: meanwhile"] = torch.tensor(model.modes + model.inside_training)
        modes[f"{training}: after"] = torch.tensor([part.training for part in model.modules()])
    return modes


rule(mode_is_left_alone, TESTIMONY)


@asks("flow_matching_loss")
def images_and_labels_are_not_changed(step, g):
    x0, y = batch(g, 40)
    before = x0.clone(), y.clone()
    step.flow_matching_loss(Recorder(g), x0, y, 0.5, 3)
    return {"x0": not torch.equal(before[0], x0), "y": not torch.equal(before[1], y)}


rule(images_and_labels_are_not_changed, TESTIMONY)


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


rule(noise_is_standard_normal, standard_normal(900 * 2 * 6 * 8))


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


rule(
    noise_is_independent,
    counts(pairs=(900 * 48, (0.5,) * 6), tally=(1800, SHARES), repeated=(100, (0.0,))),
)


@asks("flow_matching_loss")
def times_are_uniform(step, g):
    answers = {}
    for own in (branch(g), None):
        asked = recorded(
            step, Recorder(g), *batch(g, 4000, (1, 2, 3)), num_classes=3, generator=own
        )
        t = asked["t"].double()
        quarter = (4 * t).floor() - (t == 1).int()
        quarters = torch.stack([(quarter == q).sum() for q in range(4)])
        outside = ((t < 0) | (t > 1)).sum().view(1)
        repeated = torch.tensor([(len(t) - len(t.unique())) // 100])
        name = f"generator {own is not None}"
        # The fullest quarter first: which one it is may be chance.
        answers[f"{name}: quarters"] = quarters.sort(descending=True).values
        answers |= {f"{name}: outside": outside, f"{name}: repeated": repeated}
    return answers


rule(
    times_are_uniform,
    counts(quarters=(4000, (0.25,) * 4), outside=(4000, (0.0,)), repeated=(40, (0.0,))),
)


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


rule(share_of_dropped_labels_by_default, counts(fate=(4000, (0.1, 0.0))))


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


rule(dropping_noise_and_time_are_independent, counts(both=(4000, (0.5,) * 3)))


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


rule(generator_decides_the_loss, REPEATED)


@asks("flow_matching_loss")
def without_a_generator_the_global_one_is_used(step, g):
    return parts(step, g, with_the_global_one)


rule(without_a_generator_the_global_one_is_used, REPEATED)
