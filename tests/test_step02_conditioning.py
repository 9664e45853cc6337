"""Step 2: the conditioning vector, and how it scales and shifts the tokens."""

import pytest
import torch
from hypothesis import given

from kata.criteria.step02 import (
    EMBEDDING_SHAPES,
    FLOAT_DTYPES,
    LEARNING,
    LENGTHS,
    MISFITS,
    NOT_FINITE,
    STATES,
    TOKEN_SHAPES,
    UNEQUAL_SHAPES,
    drawn,
    embeddings,
    in_state,
    misfit,
    tokens,
)
from kata.testing.assertions import check_close, check_raises, check_that
from kata.testing.bounds import SEEDS, generator
from kata.testing.devices import fault_elsewhere


def check_modulated(actual, x, scale, shift, to=None, **words):
    """Compare tokens with the closed form, one sample at a time."""
    samples = zip(x, scale, shift, strict=True)
    expected = torch.stack([s + s * a + b for s, a, b in samples])
    check_close(actual, expected.to(to or x.dtype), **words)


def is_the_same(actual, expected):
    """Return whether two tensors agree up to rounding, NaN and infinities included."""
    return isinstance(actual, torch.Tensor) and torch.allclose(actual, expected, equal_nan=True)


def check_device(called, function, inputs):
    """Fail unless the call works as well if all its inputs are on a GPU."""
    fault = fault_elsewhere(function, *inputs)
    check_that(
        not fault,
        called=f"{called} as if its inputs were on a GPU",
        got=fault,
        must="the result is on the device of the inputs",
        hint="make no new tensors such as torch.ones(...); the numbers 1 and 0 fit any device",
    )


def check_gradients(name, result, weights, inputs, expected):
    """Fail unless the gradient of (result * weights).sum() in each input is the expected one."""
    check_that(
        isinstance(result, torch.Tensor) and result.shape == weights.shape and result.requires_grad,
        called=f"{name} on inputs that require gradients",
        got="returned something of another shape, or without a gradient",
        must="an ordinary differentiable formula",
        hint="no detach(), no torch.no_grad()",
    )
    gradients = torch.autograd.grad(
        (result * weights).sum(), list(inputs.values()), allow_unused=True
    )
    for argument, gradient, exact in zip(inputs, gradients, expected, strict=True):
        check_close(
            gradient,
            exact,
            called=f"{name} and took the gradient in {argument}",
            must=f"gradients flow to {argument} as the formula says",
            hint="no detach(): every argument is part of the formula",
            tolerance=1e-9,
        )


@pytest.mark.parametrize(("recorded", "trained"), STATES)
def test_combine_changes_no_input(step, recorded, trained):
    """Both embeddings stay as they are, with and without gradients."""
    inputs = in_state(embeddings(generator(4)), trained)
    with torch.set_grad_enabled(recorded):
        step.combine(*inputs)


@pytest.mark.parametrize(("recorded", "trained"), STATES)
def test_modulate_changes_no_input(step, recorded, trained):
    """The tokens, the scale and the shift stay as they are, with and without gradients."""
    inputs = in_state(tokens(generator(12)), trained)
    with torch.set_grad_enabled(recorded):
        step.modulate(*inputs)


@pytest.mark.parametrize("shape", EMBEDDING_SHAPES)
@given(seed=SEEDS)
def test_combine_is_the_sum(step, shape, seed):
    """c = h_t + h_y, number by number, for any batch size and width."""
    time, label = embeddings(generator(seed), shape)
    check_close(
        step.combine(time, label),
        torch.stack([time, label]).sum(0),
        called=f"combine(time_embedding, class_embedding), both of shape {shape}",
        must="c = h_t + h_y: row i is the sum of the two rows i",
        hint="nothing but the sum: no average, no product, no new axis",
        tolerance=1e-15,
    )


def test_nothing_is_rescaled(step):
    """Long and short embeddings go into the sum as they are."""
    time, label = embeddings(generator(1))
    for a, b in LENGTHS:
        check_close(
            step.combine(a * time, b * label),
            torch.stack([a * time, b * label]).sum(0),
            called=f"combine({a:g} * h_t, {b:g} * h_y)",
            must="both go into the sum with weight 1, however long they are",
            hint="no normalisation, no activation and no clamp: the network does that later",
            tolerance=1e-15 * min(1.0, max(a, b)),
        )


def test_every_sum_is_made_anew(step):
    """A second call sees what became of the embeddings since the first."""
    time, label = embeddings(generator(6))
    step.combine(time, label)
    time[1], label[2] = 5.0, -7.0
    check_close(
        step.combine(time, label),
        torch.stack([time, label]).sum(0),
        called="combine(time_embedding, class_embedding) again, with other numbers in them",
        must="the sum is that of the embeddings as they are now",
        hint="keep nothing from one call to the next",
        tolerance=1e-15,
    )


@pytest.mark.parametrize("trained", [(True, True), (True, False), (False, True)])
def test_gradients_reach_both_embeddings(step, trained):
    """The sum passes its gradient on to both embeddings, unchanged, also if one is frozen."""
    g = generator(5)
    time, label = (e.requires_grad_(t) for e, t in zip(embeddings(g), trained, strict=True))
    (weights,) = drawn(g, (3, 6))
    inputs = {"time_embedding": time, "class_embedding": label}
    learning = {name: e for name, e in inputs.items() if e.requires_grad}
    check_gradients("combine", step.combine(**inputs), weights, learning, [weights] * len(learning))


def test_combine_lets_through_what_is_not_finite(step):
    """NaN and infinity stay visible in the sum, where they stood."""
    time, label = embeddings(generator(15), (4, 6))
    time[0, 0], label[1, 2], time[2, 3] = NOT_FINITE
    check_that(
        is_the_same(step.combine(time, label), time + label),
        called="combine on embeddings with a NaN and two infinities",
        got="returned something else than the sum",
        must="the sum is NaN or infinite where an embedding is, and nowhere else",
        hint="no clamp and no nan_to_num: what goes wrong must be seen",
    )


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
@given(seed=SEEDS)
def test_modulate_follows_the_formula(step, shape, seed):
    """x * (1 + scale) + shift, with one scale and shift per sample, even if sizes coincide."""
    x, scale, shift = tokens(generator(seed), shape)
    check_modulated(
        step.modulate(x, scale, shift),
        *(x, scale, shift),
        called=f"modulate on tokens {shape} with scale and shift {tuple(scale.shape)}",
        must="token n of sample i becomes x[i, n] * (1 + scale[i]) + shift[i]",
        hint="is the 1 there, and do scale and shift have an axis of length 1 for the tokens of x?",
        tolerance=1e-13,
    )


def test_zero_scale_and_shift_do_nothing(step):
    """If scale and shift are zero, the tokens come out as they went in."""
    x, scale, _ = tokens(generator(7))
    zero = torch.zeros_like(scale)
    check_close(
        step.modulate(x, zero, zero),
        x,
        called="modulate(x, scale, shift) with scale = 0 and shift = 0",
        must="a projection that starts at zero does not change the tokens: x * (1 + 0) + 0 = x",
        hint="what does x * scale give for scale = 0?",
        tolerance=1e-13,
    )


def test_scale_and_shift_have_their_own_parts(step):
    """Scale alone multiplies by 1 + scale, shift alone adds, and the order is (x, scale, shift)."""
    x, scale, shift = tokens(generator(8))
    zero = torch.zeros_like(scale)
    for called, result, parts in (
        ("scale alone, shift = 0", step.modulate(x, scale, zero), (scale, zero)),
        ("shift alone, scale = 0", step.modulate(x, zero, shift), (zero, shift)),
        ("both, named", step.modulate(x=x, shift=shift, scale=scale), (scale, shift)),
    ):
        check_modulated(
            *(result, x, *parts),
            called=f"modulate(x, scale, shift) with {called}",
            must="x is multiplied by 1 + scale first; then shift is added, and is not scaled",
            hint="check the order of the arguments: first scale, then shift",
            tolerance=1e-13,
        )


def test_scale_of_minus_one_leaves_the_shift(step):
    """If scale is -1, the tokens are erased, and the shift is left."""
    x, scale, shift = tokens(generator(17))
    minus_one = torch.full_like(scale, -1.0)
    check_close(
        step.modulate(x, minus_one, shift),
        torch.stack([torch.stack([row] * x.shape[1]) for row in shift]),
        called="modulate(x, scale, shift) with scale = -1",
        must="x * (1 - 1) + shift = shift: a scale may be any number",
        hint="do not keep 1 + scale away from zero, and do not make it positive",
        tolerance=1e-13,
    )


def test_each_sample_has_its_own_scale_and_shift(step):
    """A new scale and shift for one sample change all its tokens, and no other sample."""
    x, scale, shift = tokens(generator(9), (4, 4, 6))
    step.modulate(x, scale, shift)
    scale[2], shift[2] = scale[2] + 1, shift[2] - 2
    check_modulated(
        step.modulate(x, scale, shift),
        *(x, scale, shift),
        called="modulate on 4 samples of 4 tokens, with 1 added to scale[2] and 2 taken from shift[2]",
        must="every token of sample 2 moves by x - 2, and the other samples stay",
        hint="the first axis of scale and shift counts samples, not tokens",
        tolerance=1e-13,
    )


def test_modulate_does_not_normalise(step):
    """x is normalised before the call: tokens of any mean and size are taken as they are."""
    x, scale, shift = tokens(generator(10))
    check_modulated(
        step.modulate(100 * x + 50, scale, shift),
        *(100 * x + 50, scale, shift),
        called="modulate on large tokens, far from mean 0",
        must="only scale and shift act on them",
        hint="the layer norm is not part of this function, and nothing is clamped",
        tolerance=1e-13,
    )


def test_every_modulation_is_made_anew(step):
    """A second call sees what became of the tokens, the scale and the shift since the first."""
    x, scale, shift = tokens(generator(14))
    step.modulate(x, scale, shift)
    x[0], scale[1], shift[0] = 5.0, -7.0, 3.0
    check_modulated(
        step.modulate(x, scale, shift),
        *(x, scale, shift),
        called="modulate(x, scale, shift) again, with other numbers in them",
        must="scale and shift act as they are now",
        hint="keep nothing from one call to the next",
        tolerance=1e-13,
    )


@pytest.mark.parametrize("trained", LEARNING, ids=str)
def test_gradients_reach_tokens_scale_and_shift(step, trained):
    """x gets the gradient times 1 + scale; scale and shift sum theirs over the tokens."""
    g = generator(13)
    x, scale, shift = tokens(g, (3, 5, 4))
    (weights,) = drawn(g, (3, 5, 4))
    exact = {
        "x": torch.stack([w * (1 + s) for w, s in zip(weights, scale, strict=True)]),
        "scale": (weights * x).sum(1),
        "shift": weights.sum(1),
    }
    inputs = {"x": x, "scale": scale, "shift": shift}
    learning = {name: inputs[name].requires_grad_() for name in trained}
    check_gradients(
        "modulate", step.modulate(**inputs), weights, learning, [exact[name] for name in trained]
    )


def test_modulate_lets_through_what_is_not_finite(step):
    """NaN and infinity stay visible, and do not reach another sample."""
    x, scale, shift = tokens(generator(16), (4, 3, 6))
    x[0, 1, 2], scale[1, 0], shift[2, 3] = NOT_FINITE
    result = step.modulate(x, scale, shift)
    samples = [s + s * a + b for s, a, b in zip(x, scale, shift, strict=True)]
    for what, at in (
        ("a NaN in x", (0, 1, 2)),
        ("an infinite scale", (1, slice(None), 0)),
        ("an infinite shift", (2, slice(None), 3)),
        ("neither, while other samples have them", (3,)),
    ):
        expected = samples[at[0]][at[1:]]
        check_that(
            is_the_same(result[at], expected),
            called=f"modulate on a sample with {what}",
            got=f"returned {result[at].tolist()}; expected {expected.tolist()}",
            must="what is NaN or infinite stays visible, and stays within its sample",
            hint="no clamp and no nan_to_num: what goes wrong must be seen",
        )


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_combine_keeps_the_dtype(step, dtype):
    """The sum has the dtype of the embeddings."""
    time, label = embeddings(generator(3), dtype=dtype)
    check_close(
        step.combine(time, label),
        torch.stack([time, label]).sum(0),
        called=f"combine on embeddings of {dtype}",
        must="the sum keeps their dtype",
        hint="no conversion is needed",
        tolerance=0,
    )


def test_combine_works_on_any_device(step):
    """The sum is on the device of the embeddings."""
    inputs = embeddings(generator(19))
    check_device("combine", step.combine, inputs)


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_modulate_keeps_the_dtype(step, dtype):
    """The result has the dtype of the tokens, and is as exact as this dtype allows."""
    x, scale, shift = tokens(generator(11), dtype=dtype)
    check_modulated(
        step.modulate(x, scale, shift),
        *(x.double(), scale.double(), shift.double(), dtype),
        called=f"modulate on tokens of {dtype}",
        must="the result keeps their dtype",
        hint="no conversion is needed",
        tolerance=4 * torch.finfo(dtype).eps,
    )


def test_modulate_works_on_any_device(step):
    """The result is on the device of the tokens."""
    inputs = tokens(generator(20))
    check_device("modulate", step.modulate, inputs)


@pytest.mark.parametrize(("time", "label"), UNEQUAL_SHAPES)
def test_shapes_that_differ_are_refused(step, time, label):
    """Unequal shapes raise ValueError, even if torch would broadcast them."""
    inputs = drawn(generator(2), time, label)
    check_raises(
        ValueError,
        lambda: step.combine(*inputs),
        called=f"combine with embeddings of the shapes {time} and {label}",
        must="unequal shapes raise a ValueError, even if torch would broadcast them",
        hint="compare the whole shapes before you add",
    )


@pytest.mark.parametrize("shapes", MISFITS, ids=str)
def test_shapes_that_do_not_fit_are_refused(step, shapes):
    """Anything but x (B, N, F) with scale and shift (B, F) raises ValueError."""
    inputs = misfit(generator(18), shapes)
    x, scale, shift = (tuple(value.shape) for value in inputs)
    check_raises(
        ValueError,
        lambda: step.modulate(*inputs),
        called=f"modulate with x {x}, scale {scale} and shift {shift}",
        must="x is (B, N, F), scale and shift are (B, F); other shapes raise a ValueError, even if "
        "torch would broadcast them",
        hint="compare the whole shapes before you add an axis",
    )
