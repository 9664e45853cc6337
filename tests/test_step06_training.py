"""Step 6: training by flow matching."""

import copy
import re
from pathlib import Path

import pytest
import torch

from kata.criteria.questions import with_generators, with_the_global_one
from kata.criteria.step06 import (
    END_TIMES,
    EXACT_CASES,
    LINE_SHAPES,
    LOSS_CASES,
    coincidences,
    fate,
    large_batch,
    line_ends,
    noise_batch,
    noise_behind,
    one_image,
    pixel_pairs,
    repeats,
)
from kata.criteria.step06_checkpoint import SAVED_OPTIONS, another
from kata.criteria.step06_draws import (
    RUNS,
    SAMPLES,
    extremes,
    huge_batch,
    small_batches,
    spread_of_times,
    ties,
)
from kata.criteria.step06_epochs import (
    CALLS_OF_TRAIN,
    FOUND,
    MANY,
    PROBABILITIES,
    RATES,
    prepare,
    shows,
    uneven,
)
from kata.criteria.step06_state import (
    BAD_SHAPES,
    IMAGE_DTYPES,
    LINE_DTYPES,
    STATES,
    arrival,
    in_state,
)
from kata.criteria.step06_trainer import (
    ADAMW_RUNS,
    DEVICES,
    DROPPING,
    OPTIMIZER_OPTIONS,
    PRINTED,
    elsewhere,
    epoch_lines,
    header,
    recording,
    scripted,
)
from kata.given import get_device
from kata.testing.assertions import (
    check_close,
    check_count,
    check_raises,
    check_tensor,
    check_that,
    described,
    fail,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.spies import FreshBatches, Recorder, Scripted, batch, batches

LINE = "x_t = (1 - t) x0 + t x1 and v = x1 - x0, with noise at t = 1 and one time per sample"
TOLERANCE = 1e-4
either_source = pytest.mark.parametrize("own", [True, False], ids=["generator", "global"])


def loss_and_call(step, model, x0, y, *more, **options):
    """Return the loss of a batch and the model's x, t and y; fail unless there was one call."""
    loss = step.flow_matching_loss(model, x0, y, *more, **options)
    sizes = [len(x) for x, _, _ in model.calls]
    check_that(
        sizes == [len(x0)] and model.calls[0][0].shape == x0.shape,
        called=f"flow_matching_loss on images of shape {tuple(x0.shape)}",
        got=f"called the model {len(sizes)} times, on batches of {sizes}",
        must="it calls the model once, on the whole batch, and on nothing else",
        hint="model(x_t, t, labels), with the shapes (B, C, H, W), (B,) and (B,)",
    )
    return loss, *model.calls.pop()


def squared_error(model, x, t, y, x0):
    """Return the loss of a model at recorded points; v is the slope of the line from x0 to x."""
    v = (x.double() - x0) / t.double().view(-1, 1, 1, 1)
    return (model.velocity(x, t.to(x.dtype), y) - v).square().mean()


@pytest.mark.parametrize("shape", LINE_SHAPES)
def test_interpolate_follows_the_line(step, shape):
    """x_t = (1 - t) x0 + t x1 with each sample's own t, and v = x1 - x0, even if B is the width."""
    x0, x1, t = line_ends(generator(1), shape)
    result = step.interpolate(x0, x1, t)
    called = f"interpolate(x0, x1, t) with images of shape {shape} and t of shape ({shape[0]},)"
    check_that(
        isinstance(result, tuple | list) and len(result) == 2,
        called=called,
        got=f"returned {described(result)}",
        must="it returns two tensors, x_t and v",
    )
    expected = torch.stack([(1 - t[i]) * x0[i] + t[i] * x1[i] for i in range(shape[0])])
    hint = "give t the shape (B, 1, 1, 1) before you multiply it with images"
    check_close(result[0], expected, called=f"{called}, and looked at x_t", must=LINE, hint=hint)
    check_close(
        result[1], x1 - x0, called=f"{called}, and looked at v", must="v = x1 - x0, at every time"
    )


def test_the_line_begins_at_the_data_and_ends_at_the_noise(step):
    """At t = 0 the point is x0, at t = 1 it is x1, and at t = 0.5 it is halfway between them."""
    x0, x1, t = line_ends(generator(2), (3, 1, 3, 4))
    result = step.interpolate(x0, x1, torch.tensor(END_TIMES).to(t))
    check_close(
        result[0],
        torch.stack([x0[0], x1[1], (x0[2] + x1[2]) / 2]),
        called="interpolate(x0, x1, t) with t = 0, 1 and 0.5 for three samples, and looked at x_t",
        must="t = 0 is data, t = 1 is noise",
        hint="which of the two is multiplied by t?",
    )


def test_interpolate_changes_no_input(step):
    """x0, x1 and t keep their values."""
    x0, x1, t = line_ends(generator(3), (4, 3, 5, 4))
    with unchanged("interpolate(x0, x1, t)", x0=x0, x1=x1, t=t):
        step.interpolate(x0, x1, t)


@pytest.mark.parametrize(("size", "shape", "num_classes", "drop_prob"), LOSS_CASES)
def test_loss_is_the_mean_squared_error(step, size, shape, num_classes, drop_prob):
    """The loss is the mean over samples and pixels of (output - v)²; v is the line's velocity."""
    torch.manual_seed(size)
    model = Recorder(generator(size), num_classes, shape[0])
    x0, y = batch(generator(size), size, shape, num_classes)
    loss, x, t, labels = loss_and_call(
        step, model, x0, y, label_drop_prob=drop_prob, num_classes=num_classes
    )
    check_close(
        loss,
        squared_error(model, x, t, labels, x0).item(),
        called=f"flow_matching_loss on images of shape {tuple(x0.shape)}, recorded x_t and t, "
        "and computed v from x0, x_t and t",
        must=f"the loss is the mean over all samples and pixels of (output - v)²: {LINE}",
        hint="compare the model's output with v, at the x_t and t that the model got; "
        "plain mean, no weights",
        tolerance=TOLERANCE,
    )


@pytest.mark.parametrize(("size", "shape"), EXACT_CASES)
def test_exact_velocity_has_no_loss(step, size, shape):
    """If all data is one image mu, the velocity (x - mu) / t is exact, and its loss is 0."""
    torch.manual_seed(size)
    loss, *_ = loss_and_call(step, *one_image(generator(size), size, shape), num_classes=3)
    check_close(
        loss,
        0.0,
        called="flow_matching_loss with the same image mu for every x0 and the model (x - mu) / t",
        must="that model is exact, so its loss is 0: x_t - mu = t v for every x_t",
        hint="check the path, the target, and the t that the model gets: t = 0 is data",
        tolerance=1e-3,
    )


def test_gradient_of_the_loss(step):
    """The loss is a scalar with a graph: every parameter gets the gradient of the squared error."""
    torch.manual_seed(3)
    model, (x0, y) = Recorder(generator(3)), batch(generator(3), 400)
    loss, *call = loss_and_call(step, model, x0, y, label_drop_prob=0.5, num_classes=3)
    called = "flow_matching_loss on 400 images"
    check_tensor(loss, (), called=called, must="it returns a scalar", hint="the mean over all axes")
    check_that(
        loss.requires_grad,
        called=called,
        got="returned a loss without a graph",
        must="loss.backward() must reach the parameters of the model",
        hint="no .item(), no detach(), no torch.no_grad() around the model",
    )
    expected = torch.autograd.grad(squared_error(model, *call, x0), list(model.parameters()))
    actual = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    for (name, _), got, gradient in zip(model.named_parameters(), actual, expected, strict=True):
        check_close(
            got,
            gradient,
            called=f"{called} and computed its gradient in the model's parameter {name}",
            must="it is the gradient of the mean of (output - v)²",
            hint="no detach(): use the model's output in the loss as it is",
            tolerance=TOLERANCE,
        )


@pytest.mark.parametrize("state", STATES)
def test_loss_is_the_same_in_every_state(step, state):
    """The loss is right in every mode, with autograd off, frozen parameters or old gradients."""
    fresh_seed()
    model, (x0, y) = Recorder(generator(3)), batch(generator(3), 6)
    with in_state(model, state):
        loss, x, t, labels = loss_and_call(step, model, x0, y, 0.5, 3)
        expected, inside = squared_error(model, x, t, labels, x0), model.inside_training[0]
    called = f"flow_matching_loss on a model in this state: {state}"
    check_close(
        loss,
        expected.item(),
        called=called,
        must="the loss is the mean squared error, whatever the state",
        hint="use the model as it is, and call it once",
        tolerance=max(TOLERANCE, 1e-4 / t.min().item()),
    )
    check_that(
        inside == (state not in ("eval mode", "mixed modes")),
        called=called,
        got="called a layer inside in another mode",
        must="every layer is called in the mode in which it is",
        hint="remove model.eval() and model.train()",
    )
    check_that(
        loss.requires_grad == (state != "autograd off"),
        called=called,
        got=f"returned a loss with{'' if loss.requires_grad else 'out'} a graph",
        must="the loss has a graph, unless autograd is off: the caller decides",
        hint="no torch.no_grad() and no torch.enable_grad() in the function",
    )


def test_loss_follows_the_model(step):
    """Each call uses the model's present weights, and the batch that it is given."""
    fresh_seed()
    model = Recorder(generator(3))
    for size in (4, 5, 6):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1.0)
        loss, x, t, labels = loss_and_call(step, model, *(data := batch(generator(size), size)))
        check_close(
            loss,
            squared_error(model, x, t, labels, data[0]).item(),
            called="flow_matching_loss three times; weights and batches changed in between",
            must="the loss is the one of the present weights and the present batch",
            hint="keep nothing from one call to the next",
            tolerance=max(TOLERANCE, 1e-4 / t.min().item()),
        )


@pytest.mark.parametrize("training", [True, False])
def test_mode_is_left_alone(step, training):
    """The loss calls the model in the mode that it finds, and does not change the mode."""
    model = Recorder(generator(4)).train(training)
    loss_and_call(step, model, *batch(generator(4), 4), num_classes=3)
    check_that(
        all(mode == training for mode in [*model.modes, *model.inside_training])
        and all(module.training == training for module in model.modules()),
        called=f"flow_matching_loss on a model in {'train' if training else 'eval'} mode",
        got="called the model in the other mode, or left it in the other mode",
        must="the caller chooses the mode: the trainer sets it, not the loss",
        hint="remove model.eval() and model.train()",
    )


def test_images_and_labels_are_not_changed(step):
    """x0 and y keep their values: the data set still needs them."""
    x0, y = batch(generator(5), 40)
    with unchanged("flow_matching_loss with half of the labels dropped", x0=x0, y=y):
        step.flow_matching_loss(Recorder(generator(5)), x0, y, 0.5, 3)


def noises(step, own, calls=1):
    """Return the noise of 900 samples for each of some calls of the loss."""
    seed, drawn = fresh_seed(), []
    source = generator(seed) if own else None
    model, (x0, y) = Recorder(generator(6), 3, 2), noise_batch(generator(6))
    for _ in range(calls):
        _, x, t, _ = loss_and_call(step, model, x0, y, num_classes=3, generator=source)
        drawn.append(noise_behind(x0, x, t))
        check_that(
            len(drawn[-1]) == 900,
            called="flow_matching_loss on a batch of 1000 images",
            got=f"drew {int((t > 0.01).sum())} times above 0.01",
            must="times come from U(0, 1), so about 990 of them are above 0.01",
            hint="torch.rand draws from U(0, 1)",
        )
    return drawn


@either_source
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
            called="flow_matching_loss, and computed the noise from x0, x_t and t",
            what=f"pixels of the noise {name}",
            must=f"{share:.1%} of pixels from N(0, 1) are {name}",
            hint="torch.randn draws from N(0, 1); use it as it is, on the side of t = 1",
            parts=4,
        )


@either_source
def test_noise_is_independent(step, own):
    """Samples, channels, rows, columns and calls in a row all have noise of their own."""
    x1, later = noises(step, own, calls=2)
    check_that(
        repeats(x1) < 9,
        called="flow_matching_loss, and computed the noise from x0, x_t and t",
        got=f"drew {repeats(x1)} of {len(x1)} samples whose noise equals another's, or its negative",
        must="every sample has noise of its own",
        hint="draw noise of the full shape (B, C, H, W)",
    )
    for name, (one, other) in pixel_pairs(x1, later).items():
        check_count(
            ((one > 0) == (other > 0)).sum(),
            one.numel(),
            0.5,
            called="flow_matching_loss, and compared the noise of single pixels",
            what=f"pairs of pixels of the same sign, in {name}",
            must="every pixel of every sample has noise of its own, new in every call",
            hint="draw the noise in the shape of x0, in every call; do not expand, do not seed",
            parts=7,
        )
    mean = x1.mean(dim=(2, 3)) * x1[0, 0].numel() ** 0.5
    check_count(
        (mean.abs() > 1.96).sum(),
        mean.numel(),
        0.0499958,
        called=f"flow_matching_loss, and averaged the noise over the {x1[0, 0].numel()} pixels of each channel",
        what="means more than 1.96 standard errors away from 0",
        must="5% of the means of independent pixels from N(0, 1) are that far away",
        hint="add nothing to the noise that its pixels share, and do not normalise it",
        parts=7,
    )


@either_source
def test_times_are_uniform(step, own):
    """Every sample has its own time from U(0, 1)."""
    source, (x0, y) = generator(fresh_seed()) if own else None, large_batch(generator(7))
    model = Recorder(generator(7))
    _, _, t, _ = loss_and_call(step, model, x0, y, num_classes=3, generator=source)
    called = f"flow_matching_loss on a batch of {len(y)} images"
    check_that(
        t.min() >= 0 and t.max() <= 1,
        called=called,
        got=f"evaluated the model at times from {float(t.min()):.4g} to {float(t.max()):.4g}",
        must="all times are in [0, 1]",
        hint="torch.rand draws from U(0, 1)",
    )
    for quarter in range(4):
        check_count(
            ((t * 4).floor().clamp(max=3) == quarter).sum(),
            len(y),
            0.25,
            called=called,
            what=f"times between {quarter / 4} and {(quarter + 1) / 4}",
            must="every sample has its own time from U(0, 1), so each quarter holds 25% of the times",
            hint="one torch.rand value per sample, not one per batch; no other distribution",
            parts=4,
        )
    check_that(
        len(t.unique()) > 0.95 * len(y),
        called=called,
        got=f"evaluated the model at {len(t.unique())} different times",
        must="times are real numbers, one per sample, and almost never equal",
        hint="torch.rand draws from U(0, 1); do not round",
    )


def test_each_time_is_uniform_in_its_place(step):
    """In small batches, each sample's time is U(0, 1) whatever its place; draws are not paired."""
    model, (x0, y) = Recorder(generator(7)), batch(generator(7), SAMPLES)

    def draw(source):
        return x0, *loss_and_call(step, model, x0, y, num_classes=3, generator=source)[1:3]

    found = spread_of_times(*small_batches(draw, (generator(fresh_seed()), None)))
    for what, share, words in (
        ("places", 0.2, "times of one place in the batch lie in one fifth of [0, 1]"),
        ("halves", 0.3125, "batches have exactly half of their times below 0.5"),
        ("pairs", 0.5, "pairs of neighbours in a batch lie on the same side of 0.5"),
        ("calls", 0.5, "times lie on the same side of 0.5 as in the call before"),
        ("noise", 0.5, "pixels of noise have the same sign in neighbours of a batch"),
    ):
        for marks in found[what]:
            check_count(
                marks.sum(),
                marks.numel(),
                share,
                called=f"flow_matching_loss {RUNS} times on a batch of {SAMPLES} images",
                what=words,
                must="each time is U(0, 1), independent of its place and of others, and so is each noise",
                hint="torch.rand(B) and torch.randn: do not sort, spread, pair or centre what they draw",
                parts=34,
            )


def test_rare_draws_come_as_often_as_they_should(step):
    """Times come near 0 and 1, noise beyond 4 exists, and the noise's norm varies as it should."""
    model, (x0, y) = Recorder(generator(7)), huge_batch(generator(7))

    def draw(source):
        return x0, *loss_and_call(step, model, x0, y, num_classes=3, generator=source)[1:3]

    found = extremes(draw, (generator(fresh_seed()), None))
    for what, share, words in (
        ("ends", 0.001, "times lie within 0.001 of one end of [0, 1]"),
        ("tails", 6.3342e-5, "pixels of noise are more than 4 away from 0"),
        ("norms", 0.05, "samples have a norm of the noise in one twentieth of its distribution"),
    ):
        for marks in found[what]:
            check_count(
                marks.sum(),
                marks.numel(),
                share,
                called=f"flow_matching_loss on two batches of {len(y):,} images of four pixels",
                what=words,
                must="times are U(0, 1) up to both ends; noise is N(0, I), not cut, not normalised",
                hint="use torch.rand and torch.randn as they are: no clamp, no eps, no division",
                parts=23,
            )


@either_source
def test_draws_do_not_depend_on_the_data(step, own):
    """Noise, times and coins do not depend on images and labels, nor noise on the time."""
    source = generator(fresh_seed()) if own else None
    model, (x0, y) = Recorder(generator(8), 2), large_batch(generator(8), 2)
    _, x, t, labels = loss_and_call(step, model, x0, y, 0.5, 2, generator=source)
    for what, agree in ties(x0, y, x, t, labels).items():
        check_count(
            agree.sum(),
            agree.numel(),
            0.5,
            called="flow_matching_loss on 4000 images of two classes, half of the labels dropped",
            what=f"times these two agreed: {what}",
            must="noise, time and coin are drawn without looking at the data or at each other",
            hint="draw with torch.randn and torch.rand, and do not sort, match or scale the draws",
            parts=10,
        )


@either_source
def test_share_of_dropped_labels_by_default(step, own):
    """By default 10% of the labels reach the model as null, which is 10; the others unchanged,
    whatever mode the model is in.
    """
    seed, (x0, y) = fresh_seed(), large_batch(generator(8), 10)
    options = {"generator": generator(seed)} if own else {}
    model = Recorder(generator(8), 10).train(not own)
    _, _, _, labels = loss_and_call(step, model, x0, y, **options)
    dropped, wrong = fate(labels, y, 10)
    called = (
        f"flow_matching_loss(model, x0, y) on {len(y)} labels of ten classes, with a model in "
        f"{'eval' if own else 'train'} mode"
    )
    check_that(
        wrong == 0,
        called=called,
        got=f"gave the model {int(wrong)} labels that are neither those of y nor 10",
        must="a label keeps its place and its value, or becomes num_classes, which is 10 by default",
        hint="give y to the model, after drop_labels of step 4",
    )
    check_count(
        dropped,
        len(y),
        0.1,
        called=called,
        what="labels that were 10",
        must="by default label_drop_prob=0.1, with one independent decision per label",
        hint="call drop_labels of step 4 once, with label_drop_prob and num_classes",
    )


@pytest.mark.parametrize("num_classes", [3, 7])
@pytest.mark.parametrize("drop_prob", [0.0, 1.0])
def test_all_labels_or_none_reach_the_model(step, drop_prob, num_classes):
    """With label_drop_prob = 0 the model gets all labels in order, with 1 it gets only null."""
    x0, y = batch(generator(9), 40, num_classes=num_classes)
    model = Recorder(generator(9), num_classes)
    _, _, _, labels = loss_and_call(step, model, x0, y, drop_prob, num_classes)
    check_close(
        labels,
        torch.full_like(y, num_classes) if drop_prob == 1 else y,
        called=f"flow_matching_loss(model, x0, y, {drop_prob}, {num_classes}), and looked at the model's labels",
        must=f"0 drops no label and 1 drops all; the null class is {num_classes}",
        hint="pass label_drop_prob and num_classes on to drop_labels, and its result to the model",
    )


@either_source
def test_dropping_noise_and_time_are_independent(step, own):
    """A sample's time, its noise, and the decision to drop its label are independent."""
    seed, (x0, y) = fresh_seed(), large_batch(generator(10))
    source, model = generator(seed) if own else None, Recorder(generator(10))
    _, x, t, labels = loss_and_call(step, model, x0, y, 0.5, 3, generator=source)
    for what, both in coincidences(x0, x, t, labels, null=3).items():
        check_count(
            both.sum(),
            len(y),
            0.5,
            called=f"flow_matching_loss(model, x0, y, label_drop_prob=0.5, ...) on {len(y)} images",
            what=f"samples {what}",
            must="labels to drop, noise and times are three draws, independent of each other",
            hint="draw anew for the labels, not from t; do not seed in between",
            parts=3,
        )


@pytest.mark.parametrize(("images", "times"), LINE_DTYPES)
def test_interpolate_keeps_the_dtype(step, images, times):
    """x_t and v have the dtype of x0, whatever the dtype of t."""
    x0, x1, t = line_ends(generator(3), (4, 1, 3, 4))
    x0, x1, t = x0.to(images), x1.to(images), t.to(times)
    w = t.to(images).view(4, 1, 1, 1)
    for name, got, expected in zip(
        ("x_t", "v"), step.interpolate(x0, x1, t), ((1 - w) * x0 + w * x1, x1 - x0), strict=True
    ):
        check_close(
            got,
            expected,
            called=f"interpolate with images of {images} and times of {times}, and looked at {name}",
            must="x_t and v have the dtype of the images, so that the model can take them",
            hint="t.to(x0.dtype)",
            tolerance=2e-2 if images == torch.bfloat16 else 1e-5,
        )


@pytest.mark.parametrize("dtype", IMAGE_DTYPES)
def test_images_of_other_dtypes(step, dtype):
    """The model gets x_t in the dtype of the images, also in double and half precision."""
    model, (x0, y) = Recorder(generator(3)).to(dtype), batch(generator(3), 50)
    loss, x, _, _ = loss_and_call(step, model, x0.to(dtype), y, num_classes=3)
    called = f"flow_matching_loss with a model and images of {dtype}"
    check_that(
        x.dtype == dtype,
        called=called,
        got=f"called the model with x_t of {x.dtype}",
        must="x_t has the dtype of x0",
        hint="draw the noise in the dtype of x0, or convert it",
    )
    check_that(loss.isfinite(), called=called, got=f"returned {loss}", must="the loss is finite")


@either_source
def test_draws_are_moved_to_the_device(step, own):
    """x_t, t and labels reach the model on the device of the images."""
    found = arrival(step, generator(4), generator(5) if own else None)
    check_that(
        set(found) == {"meta"},
        called='flow_matching_loss, model and batch on another device, "meta"'
        + (", with a generator on the CPU" if own else ""),
        got=f"raised RuntimeError: {found}"
        if isinstance(found, str)
        else f"called the model with x_t, t and labels on {found}",
        must="noise and times are on the device of x0 when they are used",
        hint="draw on generator.device or x0.device, then .to(x0.device)",
    )


@pytest.mark.parametrize("shapes", BAD_SHAPES.values(), ids=BAD_SHAPES)
def test_interpolate_refuses_shapes_that_do_not_fit(step, shapes):
    """Shapes that would only broadcast raise a ValueError."""
    check_raises(
        ValueError,
        lambda: step.interpolate(*(torch.ones(shape) for shape in shapes)),
        called="interpolate with x0, x1 and t of shapes {}, {} and {}".format(*shapes),
        must="x0 and x1 have one shape (B, C, H, W), and t has the shape (B,)",
        hint="compare the shapes first; broadcasting hides the mistake",
    )


def equal(one, other):
    """Return for each part of two results of the loss whether it is equal."""
    return [torch.equal(a, b) for a, b in zip(one, other, strict=True)]


def test_generator_decides_the_loss(step):
    """The same seed gives the same loss, another seed another, without the global generator."""
    model, (x0, y) = Recorder(generator(11)), batch(generator(11), 50)
    drawn = with_generators(
        lambda own: loss_and_call(step, model, x0, y, 0.5, 3, generator=own), generator(11)
    )
    hint = "randn, rand and drop_labels all take generator=generator"
    check_that(
        all(equal(drawn["first"], drawn["again"])),
        called="flow_matching_loss twice, with a generator of the same seed",
        got="used other noise, times or dropped labels the second time",
        must="all draws come from the generator: the same seed gives the same loss",
        hint="randn, rand and drop_labels all take generator=generator",
    )
    check_that(
        not any(equal(drawn["first"], drawn["other"])),
        called="flow_matching_loss with generators of two different seeds",
        got="used the same noise, times or dropped labels",
        must="the generator decides all three",
        hint=hint,
    )
    check_that(
        not drawn["global touched"],
        called="flow_matching_loss with a generator",
        got="changed the state of torch's global generator",
        must="if a generator is given, the global one is neither used nor seeded",
        hint=f"no torch.manual_seed() here; {hint}",
    )


def test_without_a_generator_the_global_one_is_used(step):
    """The caller's torch.manual_seed decides the loss; the function itself never seeds."""
    model, (x0, y) = Recorder(generator(12)), batch(generator(12), 50)
    drawn = with_the_global_one(lambda own: loss_and_call(step, model, x0, y, 0.5, 3))
    check_that(
        all(equal(drawn["first"], drawn["again"])),
        called="flow_matching_loss twice, from the same state of torch's global generator",
        got="used other noise, times or dropped labels the second time",
        must="without a generator all draws come from torch's global one",
        hint="torch.randn and torch.rand with generator=None use it; NumPy's random numbers do not",
    )
    check_that(
        not any(equal(drawn["first"], drawn["other"])),
        called="flow_matching_loss twice in a row",
        got="used the same noise, times or dropped labels",
        must="the global generator is used as it is and never seeded",
        hint="no torch.manual_seed() in the function: the caller chooses the seed",
    )


@pytest.mark.parametrize("options", OPTIMIZER_OPTIONS)
def test_optimizer_is_adamw_over_all_parameters(step, options):
    """__init__ makes the optimiser: AdamW with the given lr and weight_decay, or 1e-4 and 0.01."""
    trainer, model = recording(step, generator(13), [], **options)
    optimizer = trainer.optimizer
    called = (
        f"ConditionalTrainer(model, dataloader{''.join(f', {k}={v}' for k, v in options.items())})"
    )
    check_that(
        isinstance(optimizer, torch.optim.AdamW),
        called=called,
        got=f"made an optimiser of class {type(optimizer).__name__}",
        must=".optimizer is an AdamW, made in __init__: its weight decay is separate from the gradient",
        hint="torch.optim.AdamW",
    )
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    check_that(
        held == {id(p) for p in model.parameters()},
        called=called,
        got=f"gave the optimiser {len(held)} parameters; the model has {len(list(model.parameters()))}",
        must="the optimiser trains all parameters of the model, and no others",
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
            hint="pass lr and weight_decay on, and leave AdamW's other settings alone",
        )


@pytest.mark.parametrize(("lr", "weight_decay", "epochs"), ADAMW_RUNS)
def test_parameters_go_the_way_of_adamw(step, lr, weight_decay, epochs):
    """Every batch is one step of AdamW along that batch's gradient, in later calls of train too."""
    torch.manual_seed(4)
    loader = batches(generator(14))
    trainer, model = recording(
        step, generator(14), loader, lr=lr, weight_decay=weight_decay, label_drop_prob=0.25
    )
    twin = copy.deepcopy(model)
    for count in epochs:
        trainer.train(count)
    served, calls = loader * sum(epochs), model.calls
    check_that(
        [len(x) for x, _, _ in calls] == [len(x0) for x0, _ in served],
        called=f"train, with {len(served)} batches of {[len(x0) for x0, _ in served]} images in total",
        got=f"called the model on batches of {[len(x) for x, _, _ in calls]} images",
        must="every epoch uses every batch once, in the order of the loader",
        hint="for x0, y in self.dataloader, in every epoch",
    )
    optimizer = torch.optim.AdamW(twin.parameters(), lr=lr, weight_decay=weight_decay)
    for call, (x0, _) in zip(calls, served, strict=True):
        optimizer.zero_grad()
        squared_error(twin, *call, x0).backward()
        optimizer.step()
    for name, expected in twin.named_parameters():
        check_close(
            trainer.model.get_parameter(name),
            expected,
            called=f"ConditionalTrainer(..., lr={lr}, weight_decay={weight_decay}), "
            f"{' and '.join(f'train({n})' for n in epochs)}, and looked at the parameter {name}",
            must="each batch clears the gradients, calls backward, and takes one step of the AdamW from __init__",
            hint="the order is zero_grad, backward, step; no clipping, accumulation or schedule",
            tolerance=TOLERANCE,
        )


def test_average_loss_is_the_plain_mean_of_the_batches(step):
    """An epoch's value is the mean of its batch losses, even if the last batch is smaller."""
    torch.manual_seed(5)
    trainer = scripted(step, generator(15))
    losses = trainer.model.errors.square().tolist()
    averages = trainer.train(2)
    called = "train(2) with batches of 4, 4 and 2 images, on a model whose losses are known"
    check_that(
        isinstance(averages, list | tuple) and len(averages) == 2,
        called=called,
        got=f"returned {described(averages)}",
        must="it returns a list with one average loss per epoch",
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
            called=f"{called}, and looked at epoch {epoch + 1}",
            must="the value is the plain mean of the three batch losses; each batch counts the same",
            hint="add the losses of the epoch's batches and divide by the number of its batches",
            tolerance=TOLERANCE,
        )


def test_train_goes_on_where_it_stopped(step):
    """A second call returns only its own epochs; `.losses` holds those of all calls."""
    trainer = scripted(step, generator(16))
    called = "train(3) and then train(2)"
    before, first, second = list(trainer.losses), trainer.train(3), trainer.train(2)
    for result, count in ((first, 3), (second, 2)):
        check_that(
            isinstance(result, list | tuple) and len(result) == count,
            called=called,
            got=f"returned {described(result)} from train({count})",
            must="each call returns one loss for each of its own epochs",
            hint="collect the losses of this call in a new list, and add them to .losses as well",
        )
    check_that(
        [len(before), len(trainer.losses)] == [0, 5],
        called=called,
        got=f"had {len(before)} losses in .losses before and {len(trainer.losses)} after",
        must=".losses holds the losses of all calls: none before, 3 + 2 after",
        hint="make the list in __init__, and add to it in train",
    )
    check_close(
        torch.tensor(list(trainer.losses)),
        torch.tensor([*first, *second]),
        called="train(3) and then train(2), and looked at .losses",
        must=".losses holds what the two calls returned, in order",
    )


def test_the_model_handed_in_is_trained(step):
    """`.model` is the model that was handed in, and the optimiser holds its parameters."""
    model = Scripted(generator(16))
    trainer = step.ConditionalTrainer(model, [], device="cpu")
    held = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    check_that(
        trainer.model is model and held == {id(p) for p in model.parameters()},
        called="ConditionalTrainer(model, dataloader)",
        got="made a trainer of a copy of the model",
        must="the caller's own model is trained",
        hint="no deepcopy: model.to(device) changes the model itself",
    )


def test_many_epochs_are_averaged_exactly(step):
    """All of 120 epochs are trained, though the loss rises in between; averages are not rounded."""
    torch.manual_seed(5)
    trainer = scripted(step, generator(16), calls=MANY, batches=1)
    expected = trainer.model.errors.double().square()
    for name, values in (("returned", trainer.train(MANY)), (".losses", trainer.losses)):
        check_that(
            len(values) == MANY,
            called=f"train({MANY}), on a model whose loss goes up and down",
            got=f"trained for {len(values)} epochs",
            must="train(n) trains for n epochs",
            hint="do not stop early",
        )
        check_close(
            torch.tensor(values, dtype=torch.float64) / expected,
            torch.ones(MANY, dtype=torch.float64),
            called=f"train({MANY}), and divided the averages by what they must be: {name}",
            must="they are the means of the batch losses, not rounded",
            hint="round only what is printed",
            tolerance=3e-5,
        )


def test_batches_of_one_count_like_others(step):
    """Batches of 1, 30 and 1 images are three steps, and their losses count the same."""
    torch.manual_seed(5)
    trainer = uneven(step, generator(16))
    expected = trainer.model.errors[:6].double().square().view(2, 3).mean(1)
    averages = trainer.train(2)
    check_close(
        torch.tensor(averages, dtype=torch.float64),
        expected,
        called="train(2) with batches of 1, 30 and 1 images",
        must="every batch is trained on, and the average is the plain mean of the three losses",
        hint="leave no batch out, however small",
        tolerance=TOLERANCE,
    )


def by_script(model, rates, weight_decay):
    """Return where AdamW leads in epochs of three steps, from gradients that a script wrote."""
    start = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(start.parameters(), weight_decay=weight_decay)
    for turn, rate in enumerate(rate for rate in rates for _ in range(3)):
        optimizer.param_groups[0]["lr"] = rate
        parts = model.gradients[turn].split([p.numel() for p in start.parameters()])
        for parameter, part in zip(start.parameters(), parts, strict=True):
            parameter.grad = part.view_as(parameter) if parameter.requires_grad else None
        optimizer.step()
    return start.place


@pytest.mark.parametrize("found", FOUND)
def test_training_starts_from_any_state(step, found):
    """Old gradients do not count, and frozen parameters stay as they are."""
    trainer = scripted(step, generator(16), lr=0.05, weight_decay=0.1)
    prepare(trainer.model, found)
    expected = by_script(trainer.model, [0.05, 0.05], 0.1)
    for _ in range(2):
        prepare(trainer.model, found)
        trainer.train(1)
    check_close(
        trainer.model.place,
        expected,
        called=f"train(1) twice on a model with {found}, and looked at its parameters",
        must="each step uses the gradient of its own batch; what is frozen stays as it is",
        hint="zero_grad before backward, in every step; leave requires_grad alone",
        tolerance=TOLERANCE,
    )


def test_learning_rate_can_be_changed_between_calls(step):
    """train uses the learning rate that it finds in `.optimizer`."""
    trainer = scripted(step, generator(16), lr=0.01)
    expected = by_script(trainer.model, RATES, 0.01)
    for rate in RATES:
        trainer.optimizer.param_groups[0]["lr"] = rate
        trainer.train(1)
    check_close(
        trainer.model.place,
        expected,
        called=f"train(1) twice, with the learning rate of .optimizer set to {RATES[0]}, then {RATES[1]}",
        must="train uses the optimiser as it is",
        hint="do not set the learning rate in train, and make no new optimiser",
        tolerance=TOLERANCE,
    )


def test_no_epoch_changes_nothing(step):
    """train(0) returns an empty list, and neither `.losses` nor the model changes."""
    trainer = scripted(step, generator(16))
    trainer.train(2)
    place, losses = trainer.model.place, list(trainer.losses)
    returned = trainer.train(0)
    check_that(
        isinstance(returned, list | tuple)
        and len(returned) == 0
        and list(trainer.losses) == losses
        and torch.equal(trainer.model.place, place),
        called="train(2) and then train(0)",
        got=f"returned {described(returned)} from train(0), with {len(trainer.losses)} values in .losses",
        must="no epoch is trained: an empty list comes back, and nothing changes",
        hint="a slice [-n:] is the whole list if n is 0",
    )


def test_every_epoch_uses_every_batch_the_loader_yields(step):
    """Each epoch iterates over the whole loader again, and every image keeps its own label."""
    loader, model = FreshBatches(generator(17)), Recorder(generator(17), 10)
    trainer = step.ConditionalTrainer(model, loader, label_drop_prob=0.0, device="cpu")
    try:
        trainer.train(3)
    except (TypeError, AttributeError) as error:
        if "FreshBatches" not in str(error):
            raise
        fail(
            "train with a loader that can only be iterated over",
            f"raised {type(error).__name__}: {error}",
            "any loader works that yields batches (x0, y) again and again, without a length or a data set",
            "count the batches as they come",
        )
    served = [[y.tolist() for y in labels.split([4, 4, 2])] for labels in loader.served]
    calls = [labels.tolist() for _, _, labels in model.calls]
    epochs = [calls[i : i + 3] for i in range(0, len(calls), 3)]
    turns = [served.index(epoch) if epoch in served else None for epoch in epochs]
    check_that(
        len(turns) == len(set(turns)) == 3 and None not in turns,
        called="train(3) with a loader that yields three new batches in every epoch, without label dropout",
        got=f"gave the model the labels {calls}",
        must=f"each epoch uses all batches of the loader once, with the labels in order: {served}",
        hint="for x0, y in self.dataloader, inside the loop over the epochs",
    )


def test_train_sets_train_mode(step):
    """train() puts the model into train mode, whatever mode it finds."""
    trainer, model = recording(step, generator(18))
    for _ in range(2):
        trainer.model.eval()
        trainer.train(1)
    check_that(
        all(model.modes) and all(model.inside_training),
        called="train(1) twice, each time on a model in eval mode",
        got="called the model, or a layer inside, in eval mode",
        must="training happens in train mode: dropout inside the model is active",
        hint="self.model.train() at the beginning of train",
    )


@pytest.mark.parametrize(("num_classes", "options"), DROPPING.values(), ids=DROPPING)
def test_trainer_drops_labels(step, num_classes, options):
    """label_drop_prob and num_classes reach the loss; by default they are 0.1 and 10."""
    fresh_seed()
    model, (x0, y) = Recorder(generator(19), num_classes), large_batch(generator(19), num_classes)
    step.ConditionalTrainer(model, [(x0, y)], device="cpu", **options).train(1)
    labels = torch.cat([labels for _, _, labels in model.calls])
    called = f"train(1) of a trainer with {options or 'the defaults'} on {len(y)} labels"
    check_that(
        labels.shape == y.shape and fate(labels, y, num_classes)[1] == 0,
        called=called,
        got="gave the model labels that are neither those of the loader nor null",
        must=f"a label keeps its place and its value, or becomes num_classes, here {num_classes}",
        hint="pass num_classes on to the loss",
    )
    share = options.get("label_drop_prob", 0.1)
    check_count(
        (labels == num_classes).sum(),
        len(y),
        share,
        called=called,
        what="labels that were null",
        must=f"each label is dropped with the probability label_drop_prob, here {share}",
        hint="pass label_drop_prob on to the loss, and drop labels only once",
    )


def test_every_batch_draws_anew(step):
    """All batches, epochs and calls of train have new times, and the caller's seed decides them."""
    times = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        trainer, model = recording(step, generator(20))
        trainer.train(2)
        trainer.train(1)
        times += [round(float(time), 6) for _, t, _ in model.calls for time in t]
    check_that(
        len(set(times)) > 54,
        called="train(2) and train(1) on ten images, after torch.manual_seed(1) and after torch.manual_seed(2)",
        got=f"evaluated the model at {len(set(times))} different times for {len(times)} samples",
        must="all 60 times are drawn anew, and the global generator is never seeded",
        hint="no torch.manual_seed() in the trainer: the caller chooses the seed",
    )


def test_what_is_printed(step, capsys):
    """train prints device, parameters and dropout, then `Epoch n: avg_loss = ...` per epoch."""
    averages = scripted(step, generator(21), label_drop_prob=0.35).train(3)
    text, called = capsys.readouterr().out, "train(3), and read what it printed"
    for what, pattern in PRINTED.items():
        check_that(
            re.search(pattern, header(text)),
            called=called,
            got=f"printed {text!r}",
            must=f"it prints the {what}",
            hint="print it at the beginning of train",
        )
    epochs, printed = epoch_lines(text)
    check_that(
        epochs == [1, 2, 3],
        called=called,
        got=f"printed {text!r}",
        must="it prints a line `Epoch n: avg_loss = ...` after every epoch, with n = 1, 2, 3",
        hint='f"Epoch {n}: avg_loss = {average:.4f}"',
    )
    check_close(
        torch.tensor(printed),
        torch.tensor([float(average) for average in averages or []]),
        called=called,
        must="avg_loss is the average that train returns for that epoch, with four decimals",
        tolerance=1e-3,
    )


def test_printed_epochs_go_on_over_all_calls(step, capsys):
    """The printed n counts over all calls, and averages have at least four decimals."""
    trainer = scripted(step, generator(21), calls=3 * sum(CALLS_OF_TRAIN))
    averages = [average for epochs in CALLS_OF_TRAIN for average in trainer.train(epochs)]
    epochs, printed = epoch_lines(capsys.readouterr().out)
    called = " and ".join(f"train({epochs})" for epochs in CALLS_OF_TRAIN) + ", and read the output"
    check_that(
        epochs == list(range(1, len(averages) + 1)),
        called=called,
        got=f"printed lines with the numbers {epochs}",
        must=f"n goes on in the second call: 1, 2, 3, ..., {len(averages)}",
        hint="n = len(self.losses) after the epoch's average was added",
    )
    check_close(
        torch.tensor(printed) / torch.tensor(averages),
        torch.ones(len(averages)),
        called=f"{called}, and divided what is printed by what is returned",
        must="avg_loss is the average that train returns, with at least four decimals",
        hint='f"{average:.4f}"',
        tolerance=2.5e-4,
    )


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_label_dropout_is_printed_as_it_is(step, probability, capsys):
    """A dropout probability such as 0.005 or 0.125 is not printed as 0% or 12%."""
    scripted(step, generator(21), label_drop_prob=probability).train(1)
    text = header(capsys.readouterr().out)
    check_that(
        shows(text, probability),
        called=f"train(1) with label_drop_prob={probability}, and read what it printed",
        got=f"printed {text!r}",
        must=f"it prints the dropout probability, {probability} or {100 * probability:g}%",
        hint="do not round it to whole percents",
    )


def test_device_by_default(step):
    """With device=None, model and batches are moved to the device of get_device()."""
    trainer = step.ConditionalTrainer(
        Recorder(generator(22)), batches(generator(22)), num_classes=3
    )
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
    """The model is moved to the given device, whether it is a string or a torch.device."""
    for device in DEVICES:
        trainer, _ = recording(step, generator(23), [], device=device)
        found = {p.device.type for p in trainer.model.parameters()}
        check_that(
            found == {"meta"},
            called=f'ConditionalTrainer(..., device={device!r}); "meta" is a device without memory',
            got=f"left parameters of the model on {sorted(found)}",
            must="__init__ moves the model to the device",
            hint="model.to(device), before the optimiser is made",
        )


@pytest.mark.parametrize("part", [0, 1], ids=["images", "labels"])
def test_batches_are_moved_to_the_device(step, part):
    """Images and labels on another device are moved to the device of the trainer."""
    trainer, _ = recording(step, generator(24), [elsewhere(generator(24), part)])
    moved = False
    try:
        trainer.train(1)
    except (NotImplementedError, RuntimeError) as error:
        moved = "copy out of meta" in str(error)
        if isinstance(error, NotImplementedError) and "meta" not in str(error):
            raise
    check_that(
        moved,
        called=f"train on the CPU, with {('images', 'labels')[part]} on another device",
        got="went on without moving them",
        must="each batch is moved to the trainer's device, images and labels",
        hint="x0.to(self.device), y.to(self.device)",
    )


def checkpoint_of(trainer, path):
    """Save a checkpoint, rename the file and return its path; fail if that is not possible."""
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
        must="it writes one file, exactly at that path",
        hint="pass the path on as it is",
    )
    return Path(path).rename(Path(path).with_name("moved.pt"))


def test_checkpoint_is_plain_data(step, tmp_path):
    """torch.load reads the file with weights_only=True, which accepts only plain data."""
    trainer = scripted(step, generator(25))
    trainer.train(1)
    file = checkpoint_of(trainer, tmp_path / "checkpoint.pt")
    try:
        torch.load(file, weights_only=True)
    except Exception as error:
        fail(
            "torch.load(path, weights_only=True) on a file of save_checkpoint",
            f"raised {type(error).__name__}: {error}",
            "a checkpoint holds only tensors, numbers, lists and dicts, no pickled objects",
            "save the state_dict of the model and of the optimiser, not the objects",
        )


@pytest.mark.parametrize("as_text", [True, False])
def test_checkpoint_brings_model_and_losses_back(step, tmp_path, as_text):
    """A trainer that loads the file gets the model and losses of the one that saved it."""
    trainer, path = scripted(step, generator(26), lr=0.05, weight_decay=0.1), tmp_path / "saved.pt"
    trainer.train(2)
    file = checkpoint_of(trainer, str(path) if as_text else path)
    weights, losses = copy.deepcopy(trainer.model.state_dict()), list(trainer.losses)
    trainer.train(1)
    other = another(step, generator(27), trainer.model)
    other.load_checkpoint(str(file) if as_text else file)
    called = "train(2), save_checkpoint, and load_checkpoint in another trainer"
    check_that(
        list(other.losses) == losses,
        called=called,
        got=f"had .losses = {other.losses} after loading",
        must=f"the losses are those at the time of saving, {losses}",
        hint="save the losses in the file; loading replaces the trainer's own",
    )
    for name, expected in weights.items():
        check_close(
            other.model.state_dict()[name],
            expected,
            called=f"{called}, and looked at the parameter {name}",
            must="the model is the same as at the time of saving",
            hint="save model.state_dict(), and load it with model.load_state_dict()",
        )


@pytest.mark.parametrize("epochs", [1, 3])
def test_training_goes_on_from_a_checkpoint_as_if_never_interrupted(step, tmp_path, epochs):
    """One more epoch gives the same in the trainer that saved and in the one that loaded."""
    trainer = scripted(step, generator(28), lr=0.05, weight_decay=0.1)
    trainer.train(epochs)
    file = checkpoint_of(trainer, tmp_path / "checkpoint.pt")
    other = another(step, generator(29), trainer.model)
    other.load_checkpoint(file)
    called = f"train({epochs}), save_checkpoint, load_checkpoint in another trainer, and train(1) in both"
    averages = []
    for each in (trainer, other):
        torch.manual_seed(7)
        averages.append(each.train(1))
    for name, expected in trainer.model.named_parameters():
        check_close(
            other.model.get_parameter(name),
            expected,
            called=f"{called} with the same seed, and looked at the parameter {name}",
            must="the file also holds the optimiser's state, so that both take the same steps",
            hint="save optimizer.state_dict(), and load it with optimizer.load_state_dict()",
        )
    check_close(
        torch.tensor(averages[1]),
        torch.tensor(averages[0]),
        called=f"{called} with the same seed, and looked at what train returned",
        must="both return the same loss, one for the one epoch",
    )
    check_that(
        len(other.losses) == len(trainer.losses) == epochs + 1,
        called=called,
        got=f"ended with {len(other.losses)} losses in one and {len(trainer.losses)} in the other",
        must=f".losses goes on after those that were loaded: {epochs + 1} in both",
    )


def test_checkpoint_brings_the_learning_rate_back(step, tmp_path):
    """Learning rate and weight decay are part of the optimiser's state, in the file as well."""
    trainer = scripted(step, generator(26), **SAVED_OPTIONS)
    expected = by_script(trainer.model, [SAVED_OPTIONS["lr"], 0.004], SAVED_OPTIONS["weight_decay"])
    trainer.train(1)
    trainer.optimizer.param_groups[0]["lr"] = 0.004
    file = checkpoint_of(trainer, tmp_path / "checkpoint.pt")
    other = another(step, generator(27), trainer.model)
    other.load_checkpoint(file)
    other.train(1)
    check_close(
        other.model.place,
        expected,
        called="train(1), set the learning rate, save_checkpoint; in a trainer with other options "
        "load_checkpoint and train(1)",
        must="training goes on with the learning rate and weight decay of the one that saved",
        hint="save and load optimizer.state_dict() whole: it holds both",
        tolerance=TOLERANCE,
    )


def test_checkpoint_can_be_written_and_read_again(step, tmp_path):
    """Saving replaces an older file; the same file can be loaded twice, with the same result."""
    torch.manual_seed(6)
    trainer, path = scripted(step, generator(26), lr=0.05), tmp_path / "checkpoint.pt"
    expected = by_script(trainer.model, [0.05] * 3, 0.01)
    for _ in range(2):
        trainer.train(1)
        trainer.save_checkpoint(path)
    other, losses = another(step, generator(27), trainer.model), list(trainer.losses)
    for time in ("first", "second"):
        other.load_checkpoint(path)
        called = f"save_checkpoint twice on one path, and load_checkpoint twice, the {time} time"
        check_that(
            list(other.losses) == losses,
            called=called,
            got=f"had .losses = {other.losses} after loading",
            must=f"the file holds the state of the last save, with the losses {losses}",
            hint="write the file anew in every save, and replace the losses in every load",
        )
        other.model.turn = trainer.model.turn
        other.train(1)
        check_close(
            other.model.place,
            expected,
            called=f"{called}, then train(1)",
            must="training goes on from the state of the last save",
            hint="load model and optimiser from the file, every time",
            tolerance=TOLERANCE,
        )
