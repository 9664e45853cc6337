"""Step 6: training by flow matching."""

import copy
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from kata.given import get_device
from kata.testing.assertions import (
    check_close,
    check_count,
    check_tensor,
    check_that,
    described,
    fail,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.models import PointMass, StandIn

LINE = "x_t = (1 - t) x0 + t x1 and v = x1 - x0, noise at t = 1, each sample at its own time"
TOLERANCE = 1e-4


class Net(StandIn):
    """Mixes image, time and label by three parameters; takes any label, so that a wrong one can be seen."""

    def __init__(self, num_classes=3, channels=1, seed=0):
        super().__init__(num_classes)
        drawn = torch.randn(3, channels, 1, 1, generator=generator(seed))
        self.on_image, self.on_label = nn.Parameter(drawn[0]), nn.Parameter(drawn[2])
        self.on_time = nn.Parameter(drawn[1].flatten())  # of one axis, as biases are
        self.inside = nn.Dropout(0.5)
        self.inside_training = []

    def velocity(self, x, t, y):
        self.inside_training.append(self.inside.training)
        time, label = (values.to(x.dtype).view(-1, 1, 1, 1) for values in (t, torch.cos(y)))
        return x * self.on_image + time * self.on_time.view(-1, 1, 1) + label * self.on_label


def batch(size, shape=(1, 3, 4), num_classes=3, seed=0):
    """Images with pixels in [-1, 1], and labels."""
    source = generator(seed)
    x0 = 2 * torch.rand(size, *shape, generator=source) - 1
    return x0, torch.randint(num_classes, (size,), generator=source)


def ask(step, model, x0, y, *more, **options):
    """The loss of a batch, and what the model was asked: images, times and labels; fails unless it was asked once."""
    loss = step.flow_matching_loss(model, x0, y, *more, **options)
    sizes = [len(x) for x, _, _ in model.calls]
    check_that(
        sizes == [len(x0)] and model.calls[0][0].shape == x0.shape,
        called=f"flow_matching_loss on images of shape {tuple(x0.shape)}",
        got=f"called the model {len(sizes)} times, on batches of {sizes}",
        must="it calls the model once, on the whole batch, and nothing else is evaluated",
        hint="model(x_t, t, labels), with the shapes (B, C, H, W), (B,) and (B,)",
    )
    return loss, *model.calls.pop()


def line_of(x, t, x0):
    """The velocity of the line that leads from x0 through x at time t, wherever t is not 0."""
    return (x.double() - x0) / t.double().view(-1, 1, 1, 1)


def squared_error(model, x, t, y, x0):
    """The loss that the model has at recorded points."""
    return (model.velocity(x, t.to(x.dtype), y) - line_of(x, t, x0)).square().mean()


@pytest.mark.parametrize(
    "shape", [(1, 1, 3, 4), (4, 3, 5, 4), (4, 1, 4, 4), (5, 4, 5, 6), (3, 3, 2, 6)]
)
def test_interpolate_follows_the_line(step, shape):
    """x_t = (1 - t) x0 + t x1 with each sample's own t, and v = x1 - x0, also where B equals the width."""
    source = generator(1)
    x0, x1 = torch.randn(2, *shape, generator=source, dtype=torch.float64)
    t = torch.rand(shape[0], generator=source, dtype=torch.float64)
    result = step.interpolate(x0, x1, t)
    called = f"interpolate(x0, x1, t) with images of shape {shape} and t of shape ({shape[0]},)"
    check_that(
        isinstance(result, tuple | list) and len(result) == 2,
        called=called,
        got=f"returned {described(result)}",
        must="it returns two tensors, x_t and v",
    )
    expected = torch.stack([(1 - t[i]) * x0[i] + t[i] * x1[i] for i in range(shape[0])])
    hint = "give t the shape (B, 1, 1, 1) before it meets the images"
    check_close(result[0], expected, called=f"{called}, looked at x_t", must=LINE, hint=hint)
    check_close(
        result[1], x1 - x0, called=f"{called}, looked at v", must="v = x1 - x0, at every time"
    )


def test_the_line_begins_at_the_data_and_ends_at_the_noise(step):
    """At t = 0 the point is x0, at t = 1 it is x1, and at t = 0.5 halfway between."""
    x0, x1 = torch.randn(2, 3, 1, 3, 4, generator=generator(2), dtype=torch.float64)
    result = step.interpolate(x0, x1, torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64))
    check_close(
        result[0],
        torch.stack([x0[0], x1[1], (x0[2] + x1[2]) / 2]),
        called="interpolate(x0, x1, t) with t = 0, 1 and 0.5 for three samples, and looked at x_t",
        must="t = 0 is data, t = 1 is noise",
        hint="which of the two is multiplied by t?",
    )


def test_interpolate_changes_no_input(step):
    """x0, x1 and t are as they were."""
    x0, x1 = torch.randn(2, 4, 3, 5, 4, generator=generator(3))
    t = torch.rand(4, generator=generator(4))
    with unchanged("interpolate(x0, x1, t)", x0=x0, x1=x1, t=t):
        step.interpolate(x0, x1, t)


@pytest.mark.parametrize(
    ("size", "shape", "num_classes"),
    [(1, (1, 3, 4), 3), (5, (3, 4, 5), 7), (32, (4, 6, 3), 10), (4, (1, 4, 4), 3)],
)
@pytest.mark.parametrize("drop_prob", [0.0, 0.5])
def test_loss_is_the_mean_squared_error(step, size, shape, num_classes, drop_prob):
    """The loss is the mean over all samples and pixels of (output - v)², v being the line through x0 and x_t."""
    torch.manual_seed(size)
    model = Net(num_classes, shape[0])
    x0, y = batch(size, shape, num_classes)
    loss, x, t, labels = ask(step, model, x0, y, label_drop_prob=drop_prob, num_classes=num_classes)
    check_close(
        loss,
        squared_error(model, x, t, labels, x0).item(),
        called=f"flow_matching_loss on images of shape {tuple(x0.shape)}, recorded x_t and t, "
        "and worked out v from x0 and them",
        must=f"the loss is the mean over all samples and pixels of (output - v)²: {LINE}",
        hint="compare the model's output with v, at the x_t and t that the model was given; plain mean, no weights",
        tolerance=TOLERANCE,
    )


@pytest.mark.parametrize(("size", "shape"), [(1, (1, 3, 4)), (6, (3, 5, 6))])
def test_exact_velocity_has_no_loss(step, size, shape):
    """Where all data is one single image mu, the velocity (x - mu) / t is exact, and its loss is 0."""
    torch.manual_seed(size)
    mu = torch.randn(1, *shape, generator=generator(size))
    loss, *_ = ask(
        step,
        PointMass(mu.expand(4, *shape)),
        mu.expand(size, *shape),
        torch.arange(size) % 3,
        num_classes=3,
    )
    check_close(
        loss,
        0.0,
        called="flow_matching_loss with x0 always the same image mu and the model (x - mu) / t",
        must="that model is exact, so its loss is 0: the way from mu to any x_t is t v",
        hint="check the path, the target, and the t that the model is given: t = 0 is data",
        tolerance=1e-3,
    )


def test_gradient_of_the_loss(step):
    """The loss is a scalar with its graph: every parameter gets the gradient of the mean squared error."""
    torch.manual_seed(3)
    model = Net(3, 3)
    x0, y = batch(6, (3, 4, 5))
    loss, *asked = ask(step, model, x0, y, num_classes=3)
    called = "flow_matching_loss on 6 images"
    check_tensor(loss, (), called=called, must="it returns a scalar", hint="the mean over all axes")
    check_that(
        loss.requires_grad,
        called=called,
        got="returned a loss without a graph",
        must="loss.backward() must reach the parameters of the model",
        hint="no .item(), no detach(), no torch.no_grad() around the model",
    )
    expected = torch.autograd.grad(squared_error(model, *asked, x0), list(model.parameters()))
    actual = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    for (name, _), got, gradient in zip(model.named_parameters(), actual, expected, strict=True):
        check_close(
            got,
            gradient,
            called=f"{called} and asked for its gradient in the model's parameter {name}",
            must="it is that of the mean of (output - v)²",
            hint="no detach(): the model's output is part of the loss as it is",
            tolerance=TOLERANCE,
        )


@pytest.mark.parametrize("training", [True, False])
def test_mode_is_left_alone(step, training):
    """The model is called in the mode it is in, and left in it."""
    model = Net().train(training)
    ask(step, model, *batch(4), num_classes=3)
    check_that(
        all(mode == training for mode in [*model.modes, *model.inside_training])
        and all(module.training == training for module in model.modules()),
        called=f"flow_matching_loss on a model in {'train' if training else 'eval'} mode",
        got="called the model in the other mode, or left it so",
        must="the mode is the caller's business: the trainer sets it, not the loss",
        hint="remove model.eval() and model.train()",
    )


def test_images_and_labels_are_not_changed(step):
    """x0 and y are as they were: the data set goes on using them."""
    x0, y = batch(20)
    with unchanged("flow_matching_loss with half of the labels dropped", x0=x0, y=y):
        step.flow_matching_loss(Net(), x0, y, 0.5, 3)


def noises(step, own=False, calls=1):
    """The noise of some batches of 1000 images, worked out where t is not near 0: 900 samples of each."""
    seed, drawn = fresh_seed(), []
    source = generator(seed) if own else None
    x0, y = batch(1000, (2, 6, 9))
    for _ in range(calls):
        _, x, t, _ = ask(step, Net(3, 2), x0, y, num_classes=3, generator=source)
        usable = t > 0.01
        check_that(
            usable.sum() >= 900,
            called="flow_matching_loss on a batch of 1000 images",
            got=f"drew {int(usable.sum())} times above 0.01",
            must="times are drawn from U(0, 1), so it is about 990",
            hint="torch.rand draws from U(0, 1)",
        )
        drawn.append((x0 + line_of(x, t, x0))[usable][:900])
    return drawn


@pytest.mark.parametrize("own", [True, False])
def test_noise_is_standard_normal(step, own):
    """The noise is N(0, 1) in every pixel."""
    (x1,) = noises(step, own)
    for name, holds, share in (
        ("above 0", x1 > 0, 0.5),
        ("within 0.6745 of 0", x1.abs() < 0.6745, 0.500006),
        ("more than 1.96 away from 0", x1.abs() > 1.96, 0.0499958),
        ("more than 2.8 away from 0", x1.abs() > 2.8, 0.0051103),
    ):
        check_count(
            holds.sum(),
            x1.numel(),
            share,
            called="flow_matching_loss, and worked out the noise from x0, x_t and t",
            what=f"pixels of the noise {name}",
            must=f"of pixels from N(0, 1) it is {share:.1%}",
            hint="torch.randn draws from N(0, 1); use it as it is, on the side of t = 1",
            parts=4,
        )


@pytest.mark.parametrize("own", [True, False])
def test_noise_is_independent(step, own):
    """Samples, channels, rows and columns, and two calls in a row have noise of their own."""
    x1, later = noises(step, own, calls=2)
    alike = len(x1) - len(torch.unique((50 * x1.abs()).round(), dim=0))
    check_that(
        alike < 9,
        called="flow_matching_loss, and worked out the noise from x0, x_t and t",
        got=f"drew {alike} of {len(x1)} noises that are another one again, or its negative",
        must="every sample draws noise of its own",
        hint="draw noise of the full shape (B, C, H, W)",
    )
    for name, one, other in (
        ("neighbouring samples", x1[::2], x1[1::2]),
        ("samples half a batch apart", x1[:450], x1[450:]),
        ("the two channels of a sample", x1[:, 0], x1[:, 1]),
        ("neighbouring rows of a sample", x1[:, :, ::2], x1[:, :, 1::2]),
        ("neighbouring columns of a sample", x1[..., :8:2], x1[..., 1:8:2]),
        ("two calls in a row", x1, later),
    ):
        check_count(
            ((one > 0) == (other > 0)).sum(),
            one.numel(),
            0.5,
            called="flow_matching_loss, and compared the noise of single pixels",
            what=f"pairs of pixels of the same sign, in {name}",
            must="every pixel of every sample has noise of its own, new in every call",
            hint="draw the noise in the shape of x0, at every call; do not expand, do not seed",
            parts=7,
        )
    mean = x1.mean(dim=(2, 3)) * 54**0.5
    check_count(
        (mean.abs() > 1.96).sum(),
        mean.numel(),
        0.0499958,
        called="flow_matching_loss, and took the mean of the noise over the 54 pixels of each channel",
        what="means more than 1.96 standard errors away from 0",
        must="independent pixels from N(0, 1) have such a mean in 5% of all cases",
        hint="nothing is added to the noise that its pixels share, and it is not normalised",
        parts=7,
    )


@pytest.mark.parametrize("own", [True, False])
def test_times_are_uniform(step, own):
    """Every sample has its own time from U(0, 1)."""
    seed, size = fresh_seed(), 4000
    source = generator(seed) if own else None
    _, _, t, _ = ask(step, Net(), *batch(size, (1, 2, 3)), num_classes=3, generator=source)
    called = f"flow_matching_loss on a batch of {size} images"
    check_that(
        t.min() >= 0 and t.max() <= 1,
        called=called,
        got=f"asked the model at times from {float(t.min()):.4g} to {float(t.max()):.4g}",
        must="times lie in [0, 1]",
        hint="torch.rand draws from U(0, 1)",
    )
    for quarter in range(4):
        check_count(
            ((t * 4).floor().clamp(max=3) == quarter).sum(),
            size,
            0.25,
            called=called,
            what=f"times between {quarter / 4} and {(quarter + 1) / 4}",
            must="every sample has its own time from U(0, 1), so a quarter of the times lies there",
            hint="one torch.rand for every sample, not one for the batch; no other distribution",
            parts=4,
        )
    check_that(
        len(t.unique()) > 0.95 * size,
        called=called,
        got=f"asked the model at {len(t.unique())} different times",
        must="times are real numbers, one a sample, and next to never equal",
        hint="torch.rand draws from U(0, 1); do not round",
    )


@pytest.mark.parametrize("own", [True, False])
def test_share_of_dropped_labels_by_default(step, own):
    """Of ten classes, a tenth of the labels reaches the model as null, which is 10; the others as they are."""
    seed, (x0, y) = fresh_seed(), batch(4000, (1, 2, 3), 10)
    options = {"generator": generator(seed)} if own else {}
    _, _, _, labels = ask(step, Net(10), x0, y, **options)
    called = "flow_matching_loss(model, x0, y) on 4000 labels of ten classes"
    dropped = labels == 10
    check_that(
        torch.equal(labels[~dropped], y[~dropped]),
        called=called,
        got="gave the model labels that are neither those of y nor 10",
        must="a label is kept, in its place, or becomes num_classes, by default 10",
        hint="hand y to the model, after drop_labels of step 4",
    )
    check_count(
        dropped.sum(),
        4000,
        0.1,
        called=called,
        what="labels that were 10",
        must="by default label_drop_prob=0.1, and each label is dropped once, on its own",
        hint="drop_labels from step 4, called once, with label_drop_prob and num_classes",
    )


@pytest.mark.parametrize("num_classes", [3, 7])
@pytest.mark.parametrize("drop_prob", [0.0, 1.0])
def test_all_labels_or_none_reach_the_model(step, drop_prob, num_classes):
    """label_drop_prob = 0 gives the model all labels in their order, 1 gives it null alone."""
    x0, y = batch(40, num_classes=num_classes)
    _, _, _, labels = ask(step, Net(num_classes), x0, y, drop_prob, num_classes)
    check_close(
        labels,
        torch.full_like(y, num_classes) if drop_prob == 1 else y,
        called=f"flow_matching_loss(model, x0, y, {drop_prob}, {num_classes}), and looked at the model's labels",
        must=f"0 drops no label and 1 drops all; the null class is {num_classes}",
        hint="hand both label_drop_prob and num_classes on to drop_labels, and its result to the model",
    )


@pytest.mark.parametrize("own", [True, False])
def test_dropping_noise_and_time_are_independent(step, own):
    """Whether a label is dropped says nothing about its sample's time, and neither does the noise."""
    seed, (x0, y) = fresh_seed(), batch(4000, (1, 2, 3))
    source = generator(seed) if own else None
    _, x, t, labels = ask(step, Net(), x0, y, 0.5, 3, generator=source)
    late, dropped = t > 0.5, labels == 3
    positive = (x0 + line_of(x, t, x0))[:, 0, 0, 0] > 0
    for what, both in (
        ("samples that are dropped at a time above 0.5, or kept below", dropped == late),
        (
            "samples whose first pixel of noise is above 0 at such a time, or below",
            positive == late,
        ),
        ("samples dropped with such a pixel, or kept with another", positive == dropped),
    ):
        check_count(
            both.sum(),
            4000,
            0.5,
            called="flow_matching_loss(model, x0, y, label_drop_prob=0.5, ...) on 4000 images",
            what=what,
            must="coin, noise and time are three draws, independent of each other",
            hint="draw the coins anew, not from t; do not seed in between",
            parts=3,
        )


def test_generator_decides_the_loss(step):
    """The same seed gives the same loss, another seed another, and the global generator is left alone."""
    state, results = torch.get_rng_state(), []
    for seed in (5, 5, 6):
        x0, y = batch(50)
        options = {"label_drop_prob": 0.5, "num_classes": 3, "generator": generator(seed)}
        results.append(ask(step, Net(), x0, y, **options))
    same = [torch.equal(a, b) for a, b in zip(results[0], results[1], strict=True)]
    check_that(
        all(same),
        called="flow_matching_loss twice, with a generator of the same seed",
        got="used other noise, times or coins the second time",
        must="the generator is the source of all draws: the same seed gives the same loss",
        hint="randn, rand and drop_labels all take generator=generator",
    )
    check_that(
        not any(torch.equal(a, b) for a, b in zip(results[0], results[2], strict=True)),
        called="flow_matching_loss with generators of two different seeds",
        got="used the same noise, times or coins",
        must="the generator decides all three",
        hint="randn, rand and drop_labels all take generator=generator",
    )
    check_that(
        torch.equal(state, torch.get_rng_state()),
        called="flow_matching_loss with a generator",
        got="changed the state of torch's global generator",
        must="with a generator given, the global one is neither used nor reseeded",
        hint="no torch.manual_seed() here; randn, rand and drop_labels all take generator=generator",
    )


def test_without_a_generator_the_global_one_is_used(step):
    """torch.manual_seed by the caller decides the loss; the function itself never reseeds."""
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(ask(step, Net(), *batch(50), label_drop_prob=0.5, num_classes=3))
    check_that(
        all(torch.equal(a, b) for a, b in zip(results[0], results[1], strict=True)),
        called="torch.manual_seed(5) and flow_matching_loss, twice",
        got="used other noise, times or coins the second time",
        must="without a generator all draws come from torch's global one",
        hint="torch.randn and torch.rand with generator=None do so; NumPy's random numbers do not",
    )
    check_that(
        not any(torch.equal(a, b) for a, b in zip(results[0], results[2], strict=True)),
        called="flow_matching_loss after torch.manual_seed(5), and again after torch.manual_seed(6)",
        got="used the same noise, times or coins",
        must="the global generator is used as it is and never reseeded",
        hint="no torch.manual_seed() in the function: the seed is the caller's business",
    )


BATCHES = [batch(4, seed=1), batch(4, seed=2), batch(2, seed=3)]


class Stream:
    """Can be iterated again and again, and nothing else; serves new batches every time, and keeps their labels."""

    def __init__(self):
        self.served = []

    def __iter__(self):
        turn = len(self.served)
        self.served.append([])
        for i, size in enumerate((4, 4, 2)):
            x0, y = batch(size, num_classes=10, seed=100 * turn + i)
            self.served[turn].append(y.tolist())
            yield [x0, y]


def trainer_of(step, loader=BATCHES, model=None, **options):
    """A trainer on the CPU, of a model that records its calls."""
    options = {"num_classes": 3, "device": "cpu", **options}
    return step.ConditionalTrainer(model or Net(), loader, **options)


def losses_of(model, calls, batches):
    """The loss of a model at every recorded call; fails unless there was one call for every batch."""
    check_that(
        [len(x) for x, _, _ in calls] == [len(x0) for x0, _ in batches],
        called=f"train, through {len(batches)} batches of {[len(x0) for x0, _ in batches]} images in all",
        got=f"called the model on batches of {[len(x) for x, _, _ in calls]}",
        must="every batch of every epoch is used once, in the order of the loader",
        hint="for x0, y in self.dataloader, in every epoch",
    )
    for (x, t, y), (x0, _) in zip(calls, batches, strict=True):
        yield squared_error(model, x, t, y, x0)


@pytest.mark.parametrize("options", [{}, {"lr": 0.02, "weight_decay": 0.3}])
def test_optimizer_is_adamw_over_all_parameters(step, options):
    """The optimiser is there at once: AdamW with lr and weight_decay as given (1e-4 and 0.01 by default)."""
    model = Net()
    optimizer = trainer_of(step, model=model, **options).optimizer
    called = (
        f"ConditionalTrainer(model, dataloader{''.join(f', {k}={v}' for k, v in options.items())})"
    )
    check_that(
        isinstance(optimizer, torch.optim.AdamW),
        called=called,
        got=f"made an optimiser of class {type(optimizer).__name__}",
        must=".optimizer is an AdamW, made in __init__: its weight decay is decoupled from the gradient",
        hint="torch.optim.AdamW",
    )
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    check_that(
        held == {id(p) for p in model.parameters()},
        called=called,
        got=f"gave the optimiser {len(held)} of the model's {len(list(model.parameters()))} parameters, or others",
        must="the optimiser trains all parameters of the model",
        hint="model.parameters()",
    )
    expected = {
        "lr": 1e-4,
        "weight_decay": 0.01,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "amsgrad": False,
    }
    for name, value in (expected | options).items():
        check_that(
            all(group[name] == value for group in optimizer.param_groups),
            called=called,
            got=f"made an AdamW with {name} = {optimizer.param_groups[0][name]}",
            must=f"{name} is {value}",
            hint="hand lr and weight_decay on, and leave AdamW's other settings alone",
        )


@pytest.mark.parametrize(
    ("lr", "weight_decay", "epochs"), [(0.05, 0.0, [1]), (0.05, 0.5, [3]), (0.01, 0.1, [2, 1])]
)
def test_parameters_go_the_way_of_adamw(step, lr, weight_decay, epochs):
    """Every batch is one step of AdamW along that batch's gradient, also where train is called again."""
    torch.manual_seed(4)
    model = Net()
    twin = copy.deepcopy(model)
    trainer = trainer_of(step, model=model, lr=lr, weight_decay=weight_decay, label_drop_prob=0.25)
    for count in epochs:
        trainer.train(count)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=lr, weight_decay=weight_decay)
    for loss in losses_of(twin, model.calls, BATCHES * sum(epochs)):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, expected in twin.named_parameters():
        check_close(
            trainer.model.get_parameter(name),
            expected,
            called=f"ConditionalTrainer(..., lr={lr}, weight_decay={weight_decay}), "
            f"{' and '.join(f'train({n})' for n in epochs)}, and looked at the parameter {name}",
            must="for every batch: gradients from zero, backward, one step of the one AdamW made in __init__",
            hint="the order is zero_grad, backward, step; nothing is clipped, accumulated or scheduled",
            tolerance=TOLERANCE,
        )


def test_average_loss_is_the_plain_mean_of_the_batches(step):
    """An epoch's value is the mean of its batch losses, also where the last batch is smaller."""
    torch.manual_seed(5)
    model = Net()
    averages = trainer_of(step, model=model, lr=0.0, weight_decay=0.0).train(2)
    losses = [loss.item() for loss in losses_of(model, model.calls, BATCHES * 2)]
    called = "train(2) with batches of 4, 4 and 2 images, and lr=0 so that the model stays the same"
    check_that(
        isinstance(averages, list | tuple) and len(averages) == 2,
        called=called,
        got=f"returned {described(averages)}",
        must="it returns a list, one average loss for each of its epochs",
        hint="return the averages of this call",
    )
    for epoch, average in enumerate(averages):
        check_that(
            isinstance(average, float),
            called=called,
            got=f"returned {described(average)} for an epoch",
            must="losses are plain floats; a tensor would keep its whole graph alive",
            hint="loss.item()",
        )
        check_close(
            average,
            sum(losses[3 * epoch : 3 * epoch + 3]) / 3,
            called=f"{called}; looked at epoch {epoch + 1}",
            must="the value is the plain mean of the three batch losses, each batch counting the same",
            hint="add the losses of the epoch's batches and divide by the number of its batches",
            tolerance=TOLERANCE,
        )


def test_train_goes_on_where_it_stopped(step):
    """A second call returns its own epochs alone; `.losses` holds those of all calls."""
    trainer = trainer_of(step)
    called = "train(3) and then train(2)"
    before, first, second = list(trainer.losses), trainer.train(3), trainer.train(2)
    for result, count in ((first, 3), (second, 2)):
        check_that(
            isinstance(result, list | tuple) and len(result) == count,
            called=called,
            got=f"ended with {described(result)} as what train({count}) returned",
            must="each call returns one loss for each of its own epochs",
            hint="collect this call's losses in a list of its own, and add them to .losses as well",
        )
    check_that(
        [len(before), len(trainer.losses)] == [0, 5],
        called=called,
        got=f"had {len(before)} losses in .losses before and {len(trainer.losses)} after",
        must=".losses holds the losses of all calls: none before, then 3 + 2",
        hint="make the list in __init__, and add to it in train",
    )
    check_close(
        torch.tensor(list(trainer.losses)),
        torch.tensor([*first, *second]),
        called="train(3) and then train(2), and looked at .losses",
        must=".losses holds what the two calls returned, in order",
    )


def test_every_epoch_uses_every_batch_the_loader_yields(step):
    """Each epoch iterates over the loader anew, to its end, and every image keeps its own label."""
    loader, model = Stream(), Net(10)
    trainer = trainer_of(step, loader, model, label_drop_prob=0.0, num_classes=10)
    try:
        trainer.train(3)
    except (TypeError, AttributeError) as error:
        if "Stream" not in str(error):
            raise
        fail(
            "train with a loader that can be iterated over and nothing else",
            f"raised {type(error).__name__}: {error}",
            "any loader will do that yields batches (x0, y) again and again, without a length or a data set",
            "count the batches as they come",
        )
    asked = [labels.tolist() for _, _, labels in model.calls]
    epochs = [asked[i : i + 3] for i in range(0, len(asked), 3)]
    turns = [loader.served.index(epoch) if epoch in loader.served else None for epoch in epochs]
    check_that(
        len(turns) == len(set(turns)) == 3 and None not in turns,
        called="train(3) with a loader that yields three batches, others in every epoch, nothing being dropped",
        got=f"gave the model the labels {asked}",
        must=f"each epoch goes once through what the loader yields, labels in order: {loader.served}",
        hint="for x0, y in self.dataloader, inside the loop over the epochs",
    )


def test_train_sets_train_mode(step):
    """train() puts the model into train mode, whatever mode it was in before."""
    model = Net()
    trainer = trainer_of(step, model=model)
    for _ in range(2):
        trainer.model.eval()
        trainer.train(1)
    check_that(
        all(model.modes) and all(model.inside_training),
        called="train(1) twice, on a model that was in eval mode before",
        got="called the model, or a layer inside, in eval mode",
        must="training happens in train mode: dropout inside the model is active",
        hint="self.model.train() at the beginning of train",
    )


@pytest.mark.parametrize(
    ("options", "num_classes", "share"),
    [({}, 10, 0.1), ({"label_drop_prob": 0.5, "num_classes": 3}, 3, 0.5)],
)
def test_trainer_drops_labels(step, options, num_classes, share):
    """label_drop_prob and num_classes reach the loss: that share of the labels is null, by default 10% and 10."""
    fresh_seed()
    model, (x0, y) = Net(num_classes), batch(4000, (1, 2, 3), num_classes)
    step.ConditionalTrainer(model, [(x0, y)], device="cpu", **options).train(1)
    labels = torch.cat([labels for _, _, labels in model.calls])
    called = f"train(1) of a trainer with {options or 'the defaults'} on {len(y)} labels"
    check_that(
        labels.shape == y.shape and bool(((labels == y) | (labels == num_classes)).all()),
        called=called,
        got="gave the model labels that are neither those of the loader nor null",
        must=f"a label is kept, in its place, or becomes num_classes, here {num_classes}",
        hint="hand num_classes on to the loss",
    )
    check_count(
        (labels == num_classes).sum(),
        len(y),
        share,
        called=called,
        what="labels that were null",
        must=f"label_drop_prob, here {share}, is the probability of each",
        hint="hand label_drop_prob on to the loss, and drop labels only once",
    )


def test_every_batch_draws_anew(step):
    """No two batches, epochs or calls of train have the same times, and the caller's seed decides them."""
    times = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = Net()
        trainer = trainer_of(step, model=model)
        trainer.train(2)
        trainer.train(1)
        times += [round(float(time), 6) for _, t, _ in model.calls for time in t]
    check_that(
        len(set(times)) > 54,
        called="train(2) and train(1) on ten images, after torch.manual_seed(1) and after torch.manual_seed(2)",
        got=f"asked the model at {len(set(times))} different times for {len(times)} samples",
        must="all 60 times are drawn anew, and the global generator is never reseeded",
        hint="no torch.manual_seed() in the trainer: the seed is the caller's business",
    )


def test_what_is_printed(step, capsys):
    """Device, number of parameters and label dropout are printed, and for every epoch `Epoch n: avg_loss = ...`."""
    loader = [batch(4, (37, 1, 2))]
    averages = trainer_of(step, loader, Net(3, 37), label_drop_prob=0.35).train(3)
    text, called = capsys.readouterr().out, "train(3), and read what was printed"
    for name, pattern in (
        ("device, cpu", r"(?i)\bcpu\b"),
        ("number of parameters, 111", r"\b111\b|\d\s?[MK]\b|million"),
        ("label dropout, 0.35 or 35%", r"0?\.350*\b|\b35(\.0+)?\s?%"),
    ):
        check_that(
            re.search(pattern, re.sub("Epoch.*", "", text)),
            called=called,
            got=f"printed {text!r}",
            must=f"the {name}, is printed",
            hint="print it at the beginning of train",
        )
    lines = re.findall(r"Epoch\s+(\d+)(?:\s*/\s*\d+)?\s*:\s*avg_loss\s*=\s*([-+.\deE]+)", text)
    check_that(
        [int(number) for number, _ in lines] == [1, 2, 3],
        called=called,
        got=f"printed {text!r}",
        must="after every epoch there is a line `Epoch n: avg_loss = ...`, n being 1, 2, 3",
        hint='f"Epoch {n}: avg_loss = {average:.4f}"',
    )
    check_close(
        torch.tensor([float(value) for _, value in lines]),
        torch.tensor([float(average) for average in averages or []]),
        called=called,
        must="avg_loss is the average that is returned for that epoch, with four decimals",
        tolerance=1e-3,
    )


def test_device_by_default(step):
    """device=None trains on the device of get_device(), to which model and batches are moved."""
    trainer = step.ConditionalTrainer(Net(), BATCHES, num_classes=3)
    trainer.train(1)
    found = {p.device.type for p in trainer.model.parameters()}
    check_that(
        found == {get_device().type},
        called="ConditionalTrainer(model, dataloader) without a device",
        got=f"trained on {sorted(found)}",
        must=f"it trains on the device of get_device(), here {get_device().type}",
        hint="get_device from kata.given",
    )


def test_model_is_moved_to_the_device(step):
    """The model goes to the device that is asked for, be it a string or a torch.device."""
    for device in ("meta", torch.device("meta")):
        trainer = trainer_of(step, device=device)
        found = {p.device.type for p in trainer.model.parameters()}
        check_that(
            found == {"meta"},
            called=f'ConditionalTrainer(..., device={device!r}), "meta" being a device without memory',
            got=f"left parameters of the model on {sorted(found)}",
            must="the model is moved to the device, at once",
            hint="model.to(device), before the optimiser is made",
        )


@pytest.mark.parametrize("which", [0, 1])
def test_batches_are_moved_to_the_device(step, which):
    """Images and labels that lie elsewhere are moved to the device of the trainer."""
    elsewhere = list(batch(4))
    elsewhere[which] = elsewhere[which].to("meta")
    trainer, moved = trainer_of(step, [elsewhere]), False
    try:
        trainer.train(1)
    except (NotImplementedError, RuntimeError) as error:
        moved = "copy out of meta" in str(error)
        if isinstance(error, NotImplementedError) and "meta" not in str(error):
            raise
    check_that(
        moved,
        called=f"train on the CPU, with {('images', 'labels')[which]} that lie on another device",
        got="went on without moving them",
        must="each batch is moved to the trainer's device, images and labels",
        hint="x0.to(self.device), y.to(self.device)",
    )


def checkpoint_of(trainer, path):
    """Save a checkpoint and give the file another name; fails where that cannot be done."""
    try:
        trainer.save_checkpoint(path)
    except NotImplementedError:
        raise
    except Exception as error:
        fail(
            "save_checkpoint(path)",
            f"raised {type(error).__name__}: {error}",
            "it writes the weights, the optimiser's state and the losses to a file",
            "torch.save of a dict of state_dicts and lists",
        )
    check_that(
        Path(path).is_file(),
        called=f"save_checkpoint with path={path!r}",
        got="left no file of that name",
        must="it writes one file, just where it is told to",
        hint="hand the path on as it is",
    )
    return Path(path).rename(Path(path).with_name("moved.pt"))


def resumed(step, file, as_text=False):
    """Another trainer, of another model and with epochs of its own, that has loaded the checkpoint."""
    other = trainer_of(step, model=Net(seed=9), lr=0.05, weight_decay=0.1)
    other.train(1)
    other.load_checkpoint(str(file) if as_text else file)
    return other


def test_checkpoint_is_plain_data(step, tmp_path):
    """torch.load reads the file with weights_only=True, which refuses everything but plain data."""
    trainer = trainer_of(step)
    trainer.train(1)
    file = checkpoint_of(trainer, tmp_path / "checkpoint.pt")
    try:
        torch.load(file, weights_only=True)
    except Exception as error:
        fail(
            "torch.load(path, weights_only=True) on a file of save_checkpoint",
            f"raised {type(error).__name__}: {error}",
            "a checkpoint holds tensors, numbers, lists and dicts alone, no pickled objects",
            "save the state_dict of the model and of the optimiser, not the objects",
        )


@pytest.mark.parametrize("as_text", [True, False])
def test_checkpoint_brings_model_and_losses_back(step, tmp_path, as_text):
    """Another trainer that loads the file has the model and the losses of the one that saved it, not its own."""
    trainer = trainer_of(step, lr=0.05, weight_decay=0.1)
    trainer.train(2)
    path = tmp_path / "checkpoint.pt"
    file = checkpoint_of(trainer, str(path) if as_text else path)
    weights, losses = copy.deepcopy(trainer.model.state_dict()), list(trainer.losses)
    trainer.train(1)
    other = resumed(step, file, as_text)
    called = "train(2), save_checkpoint, and load_checkpoint in another trainer"
    check_that(
        list(other.losses) == losses,
        called=called,
        got=f"came back with .losses = {other.losses}",
        must=f"the losses are those at the time of saving, {losses}",
        hint="the losses belong into the file, and replace those of the trainer that loads it",
    )
    for name, expected in weights.items():
        check_close(
            other.model.state_dict()[name],
            expected,
            called=f"{called}, and looked at the parameter {name}",
            must="the model is what it was at the time of saving",
            hint="model.state_dict() goes into the file, model.load_state_dict() takes it out",
        )


@pytest.mark.parametrize("epochs", [1, 3])
def test_training_goes_on_from_a_checkpoint_as_if_never_interrupted(step, tmp_path, epochs):
    """From the same random state, one epoch more is the same for the trainer that saved and for the one that loaded."""
    trainer = trainer_of(step, lr=0.05, weight_decay=0.1)
    trainer.train(epochs)
    other = resumed(step, checkpoint_of(trainer, tmp_path / "checkpoint.pt"))
    called = f"train({epochs}), save_checkpoint, load_checkpoint in another trainer, and train(1) in both"
    averages = []
    for each in (trainer, other):
        torch.manual_seed(7)
        averages.append(each.train(1))
    for name, expected in trainer.model.named_parameters():
        check_close(
            other.model.get_parameter(name),
            expected,
            called=f"{called} from the same seed; looked at the parameter {name}",
            must="the optimiser's state is in the file, too, so that both take the same steps",
            hint="optimizer.state_dict() goes into the file, optimizer.load_state_dict() takes it out",
        )
    check_close(
        torch.tensor(averages[1]),
        torch.tensor(averages[0]),
        called=f"{called} from the same seed; looked at what train returned",
        must="both report the same loss, one for the one epoch",
    )
    check_that(
        len(other.losses) == len(trainer.losses) == epochs + 1,
        called=called,
        got=f"ended with {len(other.losses)} losses in one and {len(trainer.losses)} in the other",
        must=f".losses goes on after those that were loaded: {epochs + 1} in both",
    )
