"""Criteria of step 6: the line and the loss. step06_*.py hold the draws, states and the trainer.

The order of draws is free, so the loss is computed with a model that records its arguments.
"""

import torch

from kata.criteria.questions import (
    NEAR,
    asks,
    random_sources,
    tally,
    with_generators,
    with_the_global_one,
)
from kata.criteria.rules import (
    NORMAL_SHARES,
    REPEATED,
    SINGLE_OR_DOUBLE,
    TESTIMONY,
    Criterion,
    close,
    counts,
    rule,
    seen,
    standard_normal,
    viewed,
)
from kata.criteria.step06_views import LOSS, gradient, nothing_lost, pull
from kata.testing.models import PointMass
from kata.testing.spies import Recorder, batch

LINE_SHAPES = [(1, 1, 3, 4), (4, 3, 5, 4), (4, 1, 4, 4), (5, 4, 5, 6), (3, 3, 2, 6)]

LOSS_CASES = [
    *[
        (*case, p)
        for case in [(1, (1, 3, 4), 3), (5, (3, 4, 5), 7), (4, (1, 4, 4), 3), (32, (4, 6, 3), 10)]
        for p in (0.0, 1.0)
    ],
    (32, (4, 6, 3), 10, 0.5),
    (300, (1, 3, 4), 26, 0.5),
]
"""Number and shape of images, number of classes, and label_drop_prob."""

END_TIMES = (0.0, 1.0, 0.5)
"""Where the line is at the data, at the noise, and halfway."""

EXACT_CASES = [(1, (1, 3, 4)), (6, (3, 5, 6))]
"""Number and shape of copies of one image."""


def line_ends(g, shape):
    """Draw images and noise of a shape, and a time for each sample."""
    x0, x1 = torch.randn(2, *shape, generator=g, dtype=torch.float64)
    return x0, x1, torch.rand(shape[0], generator=g, dtype=torch.float64)


def one_image(g, size, shape):
    """Return a model that is exact for copies of one image, the copies, and labels."""
    mu = torch.randn(1, *shape, generator=g)
    return PointMass(mu.expand(4, *shape)), mu.expand(size, *shape), torch.arange(size) % 3


def noise_batch(g):
    """Draw 1000 images of two channels, to examine the noise that is added to them."""
    return batch(g, 1000, (2, 6, 8))


def noise_behind(x0, x, t):
    """Return the noise that leads from x0 to x, for the first 900 samples with t > 0.01."""
    x1 = x0 + (x.double() - x0) / t.double().view(-1, 1, 1, 1)
    return x1[t > 0.01][:900]


def pixel_pairs(x1, later):
    """Pair the pixels of noise with others of the same batch, and of a later batch."""
    half, common = len(x1) // 2, min(len(x1) // 2, len(later))
    return {
        "neighbouring samples": (x1[: 2 * half : 2], x1[1 : 2 * half : 2]),
        "samples half a batch apart": (x1[:half], x1[half : 2 * half]),
        "the two channels of a sample": (x1[:, 0], x1[:, 1]),
        "neighbouring rows of a sample": (x1[:, :, ::2], x1[:, :, 1::2]),
        "neighbouring columns of a sample": (x1[..., ::2], x1[..., 1::2]),
        "two calls in a row": (x1[:common], later[:common]),
    }


def repeats(x1):
    """Count the samples whose noise is that of another sample, or its negative."""
    return len(x1) - len(torch.unique((50 * x1.abs()).round(), dim=0))


def large_batch(g, num_classes=3):
    """Draw 4000 tiny images, to count times and labels."""
    return batch(g, 4000, (1, 2, 3), num_classes)


def fate(labels, y, null):
    """Count the labels that became null, and those that became something else: `(2,)`."""
    dropped = labels == null
    return torch.stack([dropped.sum(), (~dropped & (labels != y)).sum()])


def coincidences(x0, x, t, labels, null):
    """Mark samples in which two of these agree: a late time, a dropped label, noise above 0."""
    late, dropped = t > 0.5, labels == null
    positive = (x - (1 - t.view(-1, 1, 1, 1)) * x0)[:, 0, 0, 0] > 0
    return {
        "with t > 0.5 and a dropped label, or with neither": dropped == late,
        "with t > 0.5 and a first pixel of noise above 0, or with neither": positive == late,
        "with such a pixel and a dropped label, or with neither": positive == dropped,
    }


def recorded(step, model, x0, y, *more, above=0.0, **options):
    """Return the loss of a batch, the number of model calls, and the arguments of the first.

    above: draw up to ten times, until all times are above it. Near t = 0 rounding hides the noise.
    """
    for _ in range(10):
        model.calls.clear()
        loss = step.flow_matching_loss(model, x0, y, *more, **options)
        x, t, labels = model.calls[0]
        if t.min() > above:
            break
    return {"loss": loss, "x0": x0, "x": x, "t": t, "labels": labels, "calls": len(model.calls)}


@asks("interpolate")
def interpolate_follows_the_line(step, g):
    points = {}
    for shape in LINE_SHAPES:
        x_t, v = step.interpolate(*line_ends(g, shape))
        points |= {f"{shape}: x_t": x_t, f"{shape}: v": v}
    return points


rule(interpolate_follows_the_line, Criterion(weight=0.5))


@asks("interpolate")
def the_line_begins_at_the_data_and_ends_at_the_noise(step, g):
    x0, x1, t = line_ends(g, (3, 1, 3, 4))
    return {"x_t": step.interpolate(x0, x1, torch.tensor(END_TIMES).to(t))[0]}


rule(the_line_begins_at_the_data_and_ends_at_the_noise, Criterion(weight=0.5))


@asks("interpolate")
def interpolate_changes_no_input(step, g):
    inputs = line_ends(g, (4, 3, 5, 4))
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
    for size, shape, k, p in LOSS_CASES:
        model = Recorder(g, k, shape[0])
        options = {"label_drop_prob": p, "num_classes": k, "above": NEAR}
        asked = recorded(step, model, *batch(g, size, shape, k), **options)
        asked["output"] = model.outputs[-1]
        answers |= {f"{size} of {shape}, p={p}: {name}": value for name, value in asked.items()}
    return answers


rule(loss_is_the_mean_squared_error, LOSS)


@asks("flow_matching_loss")
def exact_velocity_has_no_loss(step, g):
    answers = {}
    for size, shape in EXACT_CASES:
        asked = recorded(step, *one_image(g, size, shape), num_classes=3, above=NEAR)
        answers |= {f"{size}: {name}": asked[name] for name in ("loss", "t")}
    return answers


rule(exact_velocity_has_no_loss, viewed(nothing_lost).told)


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


rule(
    gradient_of_the_loss,
    Criterion(seen(gradient), seen(pull, close(0.2)), weight=2, dtypes=SINGLE_OR_DOUBLE),
)


def drawn_noise(step, g, own):
    """Return the noise that the loss of a batch draws."""
    asked = recorded(step, Recorder(g, 3, 2), *noise_batch(g), num_classes=3, generator=own)
    return noise_behind(asked["x0"], asked["x"], asked["t"])


@asks("flow_matching_loss")
def noise_is_standard_normal(step, g):
    return {
        f"{name}: tally": tally(drawn_noise(step, g, own))
        for name, own in random_sources(g).items()
    }


rule(noise_is_standard_normal, standard_normal(900 * 2 * 6 * 8))


@asks("flow_matching_loss")
def noise_is_independent(step, g):
    answers = {}
    for name, own in random_sources(g).items():
        x1, later = drawn_noise(step, g, own), drawn_noise(step, g, own)
        pairs = pixel_pairs(x1, later).values()
        same = [((one > 0) == (other > 0)).sum() for one, other in pairs]
        answers[f"{name}: pairs"] = torch.stack(same)
        answers[f"{name}: tally"] = tally(x1.mean(dim=(2, 3)) * 48**0.5)
        answers[f"{name}: repeated"] = torch.tensor([repeats(x1) // 9])
    return answers


rule(
    noise_is_independent,
    counts(pairs=(900 * 48, (0.5,) * 6), tally=(1800, NORMAL_SHARES), repeated=(100, (0.0,))),
)


@asks("flow_matching_loss")
def times_are_uniform(step, g):
    answers = {}
    for name, own in random_sources(g).items():
        asked = recorded(step, Recorder(g), *large_batch(g), num_classes=3, generator=own)
        t = asked["t"].double()
        quarter = (4 * t).floor() - (t == 1).int()
        quarters = torch.stack([(quarter == q).sum() for q in range(4)])
        outside = ((t < 0) | (t > 1)).sum().view(1)
        repeated = torch.tensor([(len(t) - len(t.unique())) // 100])
        # The fullest quarter comes first, because chance may decide which one that is.
        answers[f"{name}: quarters"] = quarters.sort(descending=True).values
        answers |= {f"{name}: outside": outside, f"{name}: repeated": repeated}
    return answers


rule(
    times_are_uniform,
    counts(quarters=(4000, (0.25,) * 4), outside=(4000, (0.0,)), repeated=(40, (0.0,))),
)


@asks("flow_matching_loss")
def share_of_dropped_labels_by_default(step, g):
    answers = {}
    for name, own in random_sources(g).items():
        x0, y = large_batch(g, 10)
        asked = recorded(step, Recorder(g, 10).train(own is None), x0, y, generator=own)
        answers[f"{name}: fate"] = fate(asked["labels"], y, 10)
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
    for name, own in random_sources(g).items():
        asked = recorded(step, Recorder(g), *large_batch(g), 0.5, 3, generator=own)
        pairs = coincidences(*(asked[part] for part in ("x0", "x", "t", "labels")), null=3)
        answers[f"{name}: both"] = torch.stack([both.sum() for both in pairs.values()])
    return answers


rule(dropping_noise_and_time_are_independent, counts(both=(4000, (0.5,) * 3)))


def drawn_parts(step, g, ask):
    """Return the loss and the model's arguments, drawn with the sources that `ask` provides."""
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
    return drawn_parts(step, g, lambda draw: with_generators(draw, g))


rule(generator_decides_the_loss, REPEATED)


@asks("flow_matching_loss")
def without_a_generator_the_global_one_is_used(step, g):
    return drawn_parts(step, g, with_the_global_one)


rule(without_a_generator_the_global_one_is_used, REPEATED)
