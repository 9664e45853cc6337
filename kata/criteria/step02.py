"""Step 2: the sum of time and class, and adaLN's modulation."""

import torch

from kata.criteria.questions import asks, gradients, tried
from kata.criteria.rules import TESTIMONY, refused, rule

FLOAT_DTYPES = (torch.float32, torch.float64)

EMBEDDING_SHAPES = ((1, 6), (6, 1), (4, 4), (3, 6), (7, 5))

LENGTHS = ((100.0, 0.01), (0.01, 100.0), (100.0, 100.0))
"""Factors for a time embedding and a class embedding."""

UNEQUAL_SHAPES = (
    *(((3, 6), (1, 6)), ((1, 6), (3, 6)), ((3, 6), (6,)), ((6,), (3, 6)), ((3, 6), (3, 1))),
    *(((3, 1, 6), (3, 6)), ((3, 6), (3, 1, 6)), ((1, 6), (1, 1, 6)), ((3, 6), (3, 7))),
    *(((3, 6), (2, 6)), ((3, 6), (2, 9)), ((3, 6), (6, 3)), ((3, 6), ())),
)

TOKEN_SHAPES = ((2, 3, 4), (1, 4, 6), (4, 4, 6), (3, 5, 5), (5, 3, 5), (4, 4, 4), (3, 1, 4))
"""Samples, tokens, features; some of them coincide."""


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


@asks("combine")
def combine_is_the_sum(step, g):
    return {str(shape): step.combine(*embeddings(g, shape)) for shape in EMBEDDING_SHAPES}


@asks("combine")
def nothing_is_rescaled(step, g):
    time, label = embeddings(g)
    return {f"{a:g}, {b:g}": step.combine(a * time, b * label) for a, b in LENGTHS}


@asks("combine")
def shapes_that_differ_are_refused(step, g):
    inputs = {f"{a}, {b}": drawn(g, a, b) for a, b in UNEQUAL_SHAPES}
    return {name: tried(lambda v=values: step.combine(*v)) for name, values in inputs.items()}


rule(shapes_that_differ_are_refused, refused(ValueError))


@asks("combine")
def combine_keeps_the_dtype(step, g):
    return {str(dtype): step.combine(*embeddings(g, dtype=dtype)) for dtype in FLOAT_DTYPES}


@asks("combine")
def combine_changes_no_input(step, g):
    time, label = embeddings(g)
    step.combine(time, label)
    return {"time_embedding": time, "class_embedding": label}


rule(combine_changes_no_input, TESTIMONY)


@asks("combine")
def gradients_reach_both_embeddings(step, g):
    time, label = (e.requires_grad_() for e in embeddings(g))
    (weights,) = drawn(g, (3, 6))
    result = step.combine(time_embedding=time, class_embedding=label)
    return gradients(result, weights, time_embedding=time, class_embedding=label)


@asks("modulate")
def modulate_follows_the_formula(step, g):
    inputs = {shape: tokens(g, shape) for shape in TOKEN_SHAPES}
    return {str(s): tried(lambda v=values: step.modulate(*v)) for s, values in inputs.items()}


@asks("modulate")
def zero_scale_and_shift_do_nothing(step, g):
    x, scale, _ = tokens(g)
    return {"x": step.modulate(x, torch.zeros_like(scale), torch.zeros_like(scale))}


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
def modulate_does_not_normalise(step, g):
    x, scale, shift = tokens(g)
    return {"x": step.modulate(100 * x + 50, scale, shift)}


@asks("modulate")
def modulate_keeps_the_dtype(step, g):
    return {str(dtype): step.modulate(*tokens(g, dtype=dtype)) for dtype in FLOAT_DTYPES}


@asks("modulate")
def modulate_changes_no_input(step, g):
    x, scale, shift = tokens(g)
    step.modulate(x, scale, shift)
    return {"x": x, "scale": scale, "shift": shift}


rule(modulate_changes_no_input, TESTIMONY)


@asks("modulate")
def gradients_reach_tokens_scale_and_shift(step, g):
    x, scale, shift = (v.requires_grad_() for v in tokens(g, (3, 5, 4)))
    (weights,) = drawn(g, (3, 5, 4))
    return gradients(step.modulate(x, scale, shift), weights, x=x, scale=scale, shift=shift)
