"""Step 2: the sum of time and class, and adaLN's modulation."""

from itertools import product

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
from kata.testing.devices import fault_elsewhere

FLOAT_DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)

EMBEDDING_SHAPES = ((1, 1), (1, 6), (6, 1), (4, 4), (3, 6), (7, 5), (300, 3), (2, 1024))

LENGTHS = ((100.0, 0.01), (0.01, 100.0), (100.0, 100.0), (1e9, 1e-9), (1e-30, 1e-30))
"""Factors for a time embedding and a class embedding."""

UNEQUAL_SHAPES = (
    *(((3, 6), (1, 6)), ((1, 6), (3, 6)), ((3, 6), (6,)), ((6,), (3, 6)), ((3, 6), (3, 1))),
    *(((3, 1, 6), (3, 6)), ((3, 6), (3, 1, 6)), ((1, 6), (1, 1, 6)), ((3, 6), (3, 7))),
    *(((3, 6), (2, 6)), ((3, 6), (2, 9)), ((3, 6), (6, 3)), ((3, 6), ()), ((3, 1), (3, 6))),
    *(((1, 1), (1, 6)), ((1, 6), (1, 1)), ((1, 6), (6,)), ((6, 6), (1, 6)), ((1, 1), (1,))),
)

TOKEN_SHAPES = (
    *((2, 3, 4), (1, 4, 6), (4, 4, 6), (3, 5, 5), (5, 3, 5), (4, 4, 4), (3, 1, 4), (1, 1, 1)),
    *((3, 4, 1), (1, 3, 3), (300, 2, 3), (2, 300, 3), (2, 3, 300)),
)
"""Samples, tokens, features; some of them coincide, some are large."""

FITTING = {"x": (3, 4, 6), "scale": (3, 6), "shift": (3, 6)}
"""Shapes that fit for modulate; each of MISFITS replaces some of them."""

MISFITS = (
    *({name: s} for name in ("scale", "shift") for s in ((1, 6), (6,), (3, 1), (4, 6), (3, 4))),
    *({name: s} for name in ("scale", "shift") for s in ((), (1,), (3, 1, 6), (3, 4, 6), (6, 3))),
    *({"scale": s, "shift": s} for s in ((1, 6), (6,), (3, 1), (3, 1, 6), (4, 6), (1, 1), ())),
    *({"x": s} for s in ((3, 6), (6,), (3, 4, 5), (2, 4, 6), (1, 4, 6), (3, 4, 1), (3, 1, 4, 6))),
    *({"x": s} for s in ((3, 3, 4, 6), (3, 3, 6, 6), (1, 3, 4, 6), ())),
    {"x": (1, 4, 6), "scale": (6,), "shift": (6,)},
    {"x": (6, 6, 6), "scale": (6,), "shift": (6, 6)},
    {"x": (3, 6), "scale": (3, 6), "shift": (3, 6)},
    {"x": (3, 4, 6), "scale": (3, 4), "shift": (3, 4)},
)
"""Shapes that do not fit for modulate, most of which torch would broadcast."""

STATES = tuple(product((True, False), repeat=2))
"""Gradients recorded or not, the inputs trained or frozen."""

LEARNING = (("x", "scale", "shift"), ("scale", "shift"), ("x",), ("scale",), ("shift",))
"""Which inputs of modulate are trained; the others are frozen."""

NOT_FINITE = (float("nan"), float("inf"), -float("inf"))


def drawn(g, *shapes, dtype=torch.float64):
    """Draw one tensor of each shape."""
    return [(3 * torch.randn(s, generator=g, dtype=torch.float64)).to(dtype) for s in shapes]


def embeddings(g, shape=(3, 6), dtype=torch.float64):
    """Draw a time embedding and a class embedding of one shape."""
    return drawn(g, shape, shape, dtype=dtype)


def tokens(g, shape=(2, 3, 4), dtype=torch.float64):
    """Draw tokens `(B, N, F)`, and a scale and a shift `(B, F)`."""
    batch, _, features = shape
    return drawn(g, shape, (batch, features), (batch, features), dtype=dtype)


def misfit(g, shapes):
    """Draw inputs of modulate whose shapes do not fit."""
    return drawn(g, *(FITTING | shapes).values())


def in_state(inputs, trained):
    """Make each input a leaf that is trained or frozen, with a gradient of its own."""
    for value in inputs:
        value.requires_grad_(trained).grad = torch.ones_like(value)
    return inputs


def states_after(call, inputs_of):
    """Call from each state of STATES, and return the inputs and the settings afterwards."""
    answers = {}
    for recorded, trained in STATES:
        inputs = in_state(inputs_of(), trained)
        with torch.set_grad_enabled(recorded):
            call(*inputs)
            now = torch.is_grad_enabled()
        case = f"{recorded}, {trained}"
        answers[f"{case}: recorded"] = now
        for i, value in enumerate(inputs):
            answers[f"{case}: input {i}"] = value
            answers[f"{case}: gradient {i}"] = -1 if value.grad is None else value.grad
            answers[f"{case}: trained {i}"] = value.requires_grad
    return answers


ROUNDED = Criterion(close(1e-13))
"""Equal up to rounding in double precision; half precision has a question of its own."""


@asks("combine")
def combine_changes_no_input(step, g):
    return states_after(step.combine, lambda: embeddings(g))


rule(combine_changes_no_input, TESTIMONY)


@asks("combine")
def combine_is_the_sum(step, g):
    return {str(shape): step.combine(*embeddings(g, shape)) for shape in EMBEDDING_SHAPES}


rule(combine_is_the_sum, ROUNDED)


@asks("combine")
def nothing_is_rescaled(step, g):
    time, label = embeddings(g)
    return {f"{a:g}, {b:g}": step.combine(a * time, b * label) / max(a, b) for a, b in LENGTHS}


rule(nothing_is_rescaled, ROUNDED)


@asks("combine")
def every_sum_is_made_anew(step, g):
    time, label = embeddings(g)
    first = step.combine(time, label).clone()
    time[1], label[2] = 5.0, -7.0
    return {"first": first, "second": step.combine(time, label)}


@asks("combine")
def gradients_reach_both_embeddings(step, g):
    (weights,) = drawn(g, (3, 6))
    answers = {}
    for trained in ((True, True), (True, False), (False, True)):
        pair = [e.requires_grad_(t) for e, t in zip(embeddings(g), trained, strict=True)]
        result = step.combine(time_embedding=pair[0], class_embedding=pair[1])
        leaves = {str(i): e for i, e in enumerate(pair) if e.requires_grad}
        found = gradients(result, weights, **leaves)
        answers |= {f"{trained}: {i}": value for i, value in found.items()}
    return answers


@asks("combine")
def combine_lets_through_what_is_not_finite(step, g):
    time, label = embeddings(g, (4, 6))
    time[0, 0], label[1, 2], time[2, 3] = NOT_FINITE
    return {"sum": step.combine(time, label)}


@asks("combine")
def combine_keeps_the_dtype(step, g):
    return {str(dtype): step.combine(*embeddings(g, dtype=dtype)) for dtype in FLOAT_DTYPES}


@asks("combine")
def combine_works_on_any_device(step, g):
    return {"fits": not fault_elsewhere(step.combine, *embeddings(g))}


rule(combine_works_on_any_device, ON_ANY_DEVICE)


@asks("combine")
def shapes_that_differ_are_refused(step, g):
    inputs = {f"{a}, {b}": drawn(g, a, b) for a, b in UNEQUAL_SHAPES}
    return {name: tried(lambda v=values: step.combine(*v)) for name, values in inputs.items()}


rule(shapes_that_differ_are_refused, refused(ValueError))


@asks("modulate")
def modulate_changes_no_input(step, g):
    return states_after(step.modulate, lambda: tokens(g))


rule(modulate_changes_no_input, TESTIMONY)


@asks("modulate")
def modulate_follows_the_formula(step, g):
    inputs = {shape: tokens(g, shape) for shape in TOKEN_SHAPES}
    return {str(s): tried(lambda v=values: step.modulate(*v)) for s, values in inputs.items()}


rule(modulate_follows_the_formula, ROUNDED)


@asks("modulate")
def zero_scale_and_shift_do_nothing(step, g):
    x, scale, _ = tokens(g)
    return {"x": step.modulate(x, torch.zeros_like(scale), torch.zeros_like(scale))}


rule(zero_scale_and_shift_do_nothing, ROUNDED)


@asks("modulate")
def scale_and_shift_have_their_own_parts(step, g):
    x, scale, shift = tokens(g)
    zero = torch.zeros_like(scale)
    return {
        "scale alone": step.modulate(x, scale, zero),
        "shift alone": step.modulate(x, zero, shift),
        "both, named": step.modulate(x=x, shift=shift, scale=scale),
    }


@asks("modulate")
def scale_of_minus_one_leaves_the_shift(step, g):
    x, scale, shift = tokens(g)
    return {"x": step.modulate(x, torch.full_like(scale, -1.0), shift)}


@asks("modulate")
def modulate_does_not_normalise(step, g):
    x, scale, shift = tokens(g)
    return {"x": step.modulate(100 * x + 50, scale, shift)}


rule(modulate_does_not_normalise, ROUNDED)


@asks("modulate")
def every_modulation_is_made_anew(step, g):
    x, scale, shift = tokens(g)
    first = step.modulate(x, scale, shift).clone()
    x[0], scale[1], shift[0] = 5.0, -7.0, 3.0
    return {"first": first, "second": step.modulate(x, scale, shift)}


@asks("modulate")
def gradients_reach_tokens_scale_and_shift(step, g):
    (weights,) = drawn(g, (3, 5, 4))
    answers = {}
    for trained in LEARNING:
        names = ("x", "scale", "shift")
        inputs = dict(zip(names, tokens(g, (3, 5, 4)), strict=True))
        learning = {name: inputs[name].requires_grad_() for name in trained}
        found = gradients(step.modulate(**inputs), weights, **learning)
        answers |= {f"{trained}: {name}": value for name, value in found.items()}
    return answers


@asks("modulate")
def modulate_lets_through_what_is_not_finite(step, g):
    x, scale, shift = tokens(g, (4, 3, 6))
    x[0, 1, 2], scale[1, 0], shift[2, 3] = NOT_FINITE
    result = step.modulate(x, scale, shift)
    return {"token": result[0, 1, 2], "scaled": result[1, :, 0], "shifted": result[2, :, 3]} | {
        "untouched": result[3]
    }


@asks("modulate")
def modulate_keeps_the_dtype(step, g):
    return {str(dtype): step.modulate(*tokens(g, dtype=dtype)) for dtype in FLOAT_DTYPES}


# Right answers round once or three times on the way, and bfloat16 has eight bits.
rule(modulate_keeps_the_dtype, Criterion(close(0.03)))


@asks("modulate")
def modulate_works_on_any_device(step, g):
    return {"fits": not fault_elsewhere(step.modulate, *tokens(g))}


rule(modulate_works_on_any_device, ON_ANY_DEVICE)


@asks("modulate")
def shapes_that_do_not_fit_are_refused(step, g):
    inputs = {str(shapes): misfit(g, shapes) for shapes in MISFITS}
    return {name: tried(lambda v=values: step.modulate(*v)) for name, values in inputs.items()}


rule(shapes_that_do_not_fit_are_refused, refused(ValueError))
