"""Step 3, the guided velocity from several states: modes, gradients, weights, dtypes, devices."""

import torch

from kata.criteria.questions import asks, gradients, tried
from kata.criteria.rules import (
    ON_ANY_DEVICE,
    TESTIMONY,
    Criterion,
    close,
    refused,
    rule,
)
from kata.criteria.step03 import (
    WHOLE_SCALES,
    WRONG_SCALE_SHAPES,
    model_and_batch,
    velocities,
)
from kata.testing.devices import fault_elsewhere, moved
from kata.testing.spies import Watched

MODEL_DTYPES = (
    (torch.float32, torch.float64, torch.int32),
    (torch.float64, torch.float32, torch.int64),
    (torch.bfloat16, torch.float32, torch.int32),
)
"""Dtypes of images, times and labels."""

NO_GRAD_CONTEXTS = (torch.no_grad, torch.inference_mode)

MIXED_MODES = ((True, True), (True, False), (False, True), (False, False))
"""Whether the model, and whether a layer inside it, is in train mode."""


def layered_model_and_batch(g, training, inside):
    """Return a model with a layer inside, in these modes, and draw images, times and labels."""
    _, x, t, y = model_and_batch(g, 3)
    model = Watched(torch.randn(4, 4, 3, 4, generator=g, dtype=torch.float64))
    model.train(training)
    model.inside.train(inside)
    return model, x, t + 0.1, y


def grow(model):
    """Double the model's weights in place, as an optimizer changes them."""
    with torch.no_grad():
        model.table.mul_(2)


@asks("guided_velocity")
def mode_and_gradients_are_left_alone(step, g):
    answers = {}
    for scale in WHOLE_SCALES:
        for modes in MIXED_MODES:
            model, x, t, y = layered_model_and_batch(g, *modes)
            v = step.guided_velocity(model, x, t, y, scale, 3)
            during = [all(model.modes), any(model.modes)]
            inside = [all(model.layer_training), any(model.layer_training)]
            after = [model.training, model.inside[0].training]
            answers[f"w={scale}, {modes}: modes"] = torch.tensor([*during, *inside, *after])
            answers[f"w={scale}, {modes}: graph"] = v.requires_grad
    return answers


rule(mode_and_gradients_are_left_alone, TESTIMONY)


@asks("guided_velocity")
def gradients_follow_the_formula(step, g):
    answers = {}
    for scale in WHOLE_SCALES:
        model, x, t, y = model_and_batch(g, 3)
        x.requires_grad_()
        v = step.guided_velocity(model, x, t, y, scale, 3)
        found = gradients(v, torch.ones_like(v), x=x, table=model.table)
        answers |= {f"w={scale}: {name}": value for name, value in found.items()}
    return answers


rule(gradients_follow_the_formula, Criterion(close(1e-9)))


@asks("guided_velocity")
def caller_decides_about_gradients(step, g):
    answers = {}
    for scale in WHOLE_SCALES:
        for context in NO_GRAD_CONTEXTS:
            with context():
                v = step.guided_velocity(*model_and_batch(g, 3), scale, 3)
            answers[f"w={scale}, {context.__name__}"] = v.requires_grad
        model, x, t, y = model_and_batch(g, 3)
        v = step.guided_velocity(model.requires_grad_(False), x.requires_grad_(), t, y, scale, 3)
        answers[f"w={scale}, frozen"] = model.table.requires_grad
        answers[f"w={scale}, frozen: x"] = gradients(v, torch.ones_like(v), x=x)["x"]
    return answers


rule(caller_decides_about_gradients, TESTIMONY)


@asks("guided_velocity")
def every_call_asks_the_model_anew(step, g):
    answers = {}
    model, x, t, y = model_and_batch(g, 3)
    for scale in WHOLE_SCALES:
        answers[f"w={scale}: first"] = step.guided_velocity(model, x, t, y, scale, 3)
        grow(model)
        answers[f"w={scale}: other weights"] = step.guided_velocity(model, x, t, y, scale, 3)
    for null in (2, 3):
        answers[f"null class {null}"] = step.guided_velocity(model, x, t, y, 3.0, null)
    return answers


rule(every_call_asks_the_model_anew, Criterion(close(1e-9)))


@asks("guided_velocity")
def dtypes_of_images_times_and_labels(step, g):
    answers = {}
    for of_x, of_t, of_y in MODEL_DTYPES:
        model, x, t, y = model_and_batch(g, 3)
        for scale in WHOLE_SCALES:
            answers[f"{of_x}, {of_t}, {of_y}, w={scale}"] = step.guided_velocity(
                model.to(of_x), x.to(of_x), t.to(of_t), y.to(of_y), scale, 3
            )
    return answers


# As for `guide`: a bfloat16 has three digits.
rule(dtypes_of_images_times_and_labels, Criterion(close(0.02)))


@asks("guide")
def velocities_may_be_on_another_device_than_the_scale(step, g):
    given = velocities(g)
    scales = {"float": 2.0, "0-dim": torch.tensor(2.0), "(B,)": torch.tensor([2.0, 0.0, 1.0])}
    return {
        kind: not fault_elsewhere(lambda u, c, w=w: step.guide(u, c, w), *given)
        for kind, w in scales.items()
    }


rule(velocities_may_be_on_another_device_than_the_scale, ON_ANY_DEVICE)


def fault_of_guided_velocity_elsewhere(step, g, scale):
    """Return what is wrong if model, images, times and labels are on another device."""
    model, *batch = model_and_batch(g, 3)
    moved(model)
    return fault_elsewhere(lambda x, t, y: step.guided_velocity(model, x, t, y, scale, 3), *batch)


@asks("guided_velocity")
def null_labels_are_where_the_labels_are(step, g):
    return {f"w={w}": not fault_of_guided_velocity_elsewhere(step, g, w) for w in WHOLE_SCALES}


rule(null_labels_are_where_the_labels_are, ON_ANY_DEVICE)


@asks("guided_velocity")
def guided_velocity_refuses_the_scales_that_guide_refuses(step, g):
    model, x, t, y = model_and_batch(g, 3, 3)
    return {
        str(shape): tried(
            lambda shape=shape: step.guided_velocity(model, x, t, y, torch.full(shape, 2.0), 3)
        )
        for shape in WRONG_SCALE_SHAPES
    }


rule(guided_velocity_refuses_the_scales_that_guide_refuses, refused(ValueError))
