"""Criteria of step 6 about the states in which the loss is called: modes, dtypes, devices."""

import contextlib

import torch

from kata.criteria.questions import NEAR, asks, random_sources, refusal
from kata.criteria.rules import (
    ON_ANY_DEVICE,
    TESTIMONY,
    Criterion,
    Values,
    close,
    refused,
    rule,
    viewed,
)
from kata.criteria.step06 import line_ends, recorded
from kata.criteria.step06_views import LOSS
from kata.testing.devices import elsewhere, two_devices
from kata.testing.models import StandIn
from kata.testing.spies import Recorder, batch

BAD_SHAPES = {
    "one time for all": ((3, 1, 4, 3), (3, 1, 4, 3), (1,)),
    "times of shape (B, 1)": ((3, 1, 4, 3), (3, 1, 4, 3), (3, 1)),
    "a time without axes": ((3, 1, 4, 3), (3, 1, 4, 3), ()),
    "one noise for all": ((3, 1, 4, 3), (1, 1, 4, 3), (3,)),
    "one image for all": ((1, 1, 4, 3), (3, 1, 4, 3), (3,)),
    "noise of one channel": ((3, 3, 4, 3), (3, 1, 4, 3), (3,)),
    "images of one channel": ((3, 1, 4, 3), (3, 3, 4, 3), (3,)),
}
"""Shapes of x0, x1 and t that interpolate refuses."""

LINE_DTYPES = [
    (torch.bfloat16, torch.float32),
    (torch.float32, torch.float64),
    (torch.float64, torch.float32),
]
"""Dtypes of the images and of the times."""

IMAGE_DTYPES = (torch.float64, torch.bfloat16)

STATES = ("eval mode", "mixed modes", "autograd off", "frozen", "old gradients")


@contextlib.contextmanager
def in_state(model, state):
    """Put a model, or autograd, into one of the STATES."""
    model.train(state != "eval mode")
    model.inside.train(state not in ("eval mode", "mixed modes"))
    model.on_image.requires_grad_(state != "frozen")
    if state == "old gradients":
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    with torch.no_grad() if state == "autograd off" else contextlib.nullcontext():
        yield


class Arrival(Exception):
    """Ends a call at the model; holds the device types of x, t and the labels."""


class OnMeta(StandIn):
    """A model whose call raises `Arrival`."""

    def __init__(self):
        super().__init__(num_classes=3)

    def forward(self, x, t, y):
        raise Arrival(x.device.type, t.device.type, y.device.type)


def arrival(step, g, own):
    """Return on which devices x, t and labels reach a model on "meta", or an error's message."""
    x0, y = map(elsewhere, batch(g, 4))
    try:
        with two_devices():
            step.flow_matching_loss(OnMeta(), x0, y, 0.5, 3, generator=own)
    except Arrival as arrived:
        return arrived.args
    except RuntimeError as error:
        if isinstance(error, NotImplementedError):
            raise
        return str(error)
    return ("nowhere",)


@asks("interpolate")
def interpolate_refuses_shapes_that_do_not_fit(step, g):
    return {
        name: refusal(lambda shapes=shapes: step.interpolate(*(torch.ones(s) for s in shapes)))
        for name, shapes in BAD_SHAPES.items()
    }


rule(interpolate_refuses_shapes_that_do_not_fit, refused(ValueError))


@asks("interpolate")
def interpolate_keeps_the_dtype(step, g):
    points = {}
    for images, times in LINE_DTYPES:
        x0, x1, t = line_ends(g, (4, 1, 3, 4))
        x_t, v = step.interpolate(x0.to(images), x1.to(images), t.to(times))
        points |= {f"{images}, {times}: x_t": x_t, f"{images}, {times}: v": v}
    return points


rule(interpolate_keeps_the_dtype, Criterion(close(2e-2), weight=0.5))


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


@asks("flow_matching_loss")
def loss_is_the_same_in_every_state(step, g):
    model, answers = Recorder(g), {}
    for state in STATES:
        with in_state(model, state):
            asked = recorded(step, model, *batch(g, 6), num_classes=3, above=NEAR)
        asked["graph"], asked["output"] = asked["loss"].requires_grad, model.outputs[-1]
        asked["inside"] = model.inside_training[-1]
        answers |= {f"{state}: {name}": value for name, value in asked.items()}
    return answers


rule(loss_is_the_same_in_every_state, LOSS)


@asks("flow_matching_loss")
def loss_follows_the_model(step, g):
    model, answers = Recorder(g), {}
    for call in range(3):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1.0)
        asked = recorded(step, model, *batch(g, 4 + call), num_classes=3, above=NEAR)
        asked["output"] = model.outputs[-1]
        answers |= {f"call {call}: {name}": value for name, value in asked.items()}
    return answers


rule(loss_follows_the_model, LOSS)


@asks("flow_matching_loss")
def images_of_other_dtypes(step, g):
    answers = {}
    for dtype in IMAGE_DTYPES:
        x0, y = batch(g, 50)
        asked = recorded(step, Recorder(g).to(dtype), x0.to(dtype), y, num_classes=3)
        answers |= {f"{dtype}: x0": x0, f"{dtype}: x": asked["x"], f"{dtype}: loss": asked["loss"]}
    return answers


def _dtypes(values: Values) -> Values:
    """Return the images, the dtypes of x, and whether the loss is a finite number."""
    return {
        name: value.new_zeros(())
        if name.endswith(": x")
        else value.isfinite()
        if name.endswith("loss")
        else value
        for name, value in values.items()
    }


rule(images_of_other_dtypes, viewed(_dtypes).told)


@asks("flow_matching_loss")
def draws_are_moved_to_the_device(step, g):
    return {name: set(arrival(step, g, own)) == {"meta"} for name, own in random_sources(g).items()}


rule(draws_are_moved_to_the_device, ON_ANY_DEVICE)
