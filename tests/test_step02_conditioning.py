"""Step 2: the conditioning vector, and how it scales and shifts the tokens."""

import pytest
import torch
from hypothesis import given

from kata.criteria.step02 import (
    EMBEDDING_SHAPES,
    FLOAT_DTYPES,
    LENGTHS,
    TOKEN_SHAPES,
    UNEQUAL_SHAPES,
    drawn,
    embeddings,
    tokens,
)
from kata.testing.assertions import check_close, check_raises, check_that, unchanged
from kata.testing.bounds import SEEDS, generator


def modulated(x, scale, shift):
    """Return the closed form, one token at a time."""
    samples = zip(x, scale, shift, strict=True)
    return torch.stack([torch.stack([token + token * a + b for token in s]) for s, a, b in samples])


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
        tolerance=1e-9,
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
            tolerance=1e-9,
        )


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
    )


def test_combine_changes_no_input(step):
    """Both embeddings stay as they are."""
    time, label = embeddings(generator(4))
    with unchanged(
        "combine(time_embedding, class_embedding)", time_embedding=time, class_embedding=label
    ):
        step.combine(time, label)


def test_gradients_reach_both_embeddings(step):
    """The sum passes its gradient on to both embeddings, unchanged."""
    g = generator(5)
    time, label = (e.requires_grad_() for e in embeddings(g))
    (weights,) = drawn(g, (3, 6))
    check_gradients(
        "combine",
        step.combine(time_embedding=time, class_embedding=label),
        weights,
        {"time_embedding": time, "class_embedding": label},
        (weights, weights),
    )


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
@given(seed=SEEDS)
def test_modulate_follows_the_formula(step, shape, seed):
    """x * (1 + scale) + shift, with one scale and shift per sample, even if sizes coincide."""
    x, scale, shift = tokens(generator(seed), shape)
    check_close(
        step.modulate(x, scale, shift),
        modulated(x, scale, shift),
        called=f"modulate on tokens {shape} with scale and shift {tuple(scale.shape)}",
        must="token n of sample i becomes x[i, n] * (1 + scale[i]) + shift[i]",
        hint="is the 1 there, and do scale and shift have an axis of length 1 for the tokens of x?",
        tolerance=1e-9,
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
        tolerance=1e-9,
    )


def test_scale_and_shift_have_their_own_parts(step):
    """Scale alone multiplies by 1 + scale, shift alone adds, and the order is (x, scale, shift)."""
    x, scale, shift = tokens(generator(8))
    zero = torch.zeros_like(scale)
    for called, result, expected in (
        ("scale alone, shift = 0", step.modulate(x, scale, zero), modulated(x, scale, zero)),
        ("shift alone, scale = 0", step.modulate(x, zero, shift), modulated(x, zero, shift)),
        (
            "both, named",
            step.modulate(x=x, shift=shift, scale=scale),
            modulated(x, scale, shift),
        ),
    ):
        check_close(
            result,
            expected,
            called=f"modulate(x, scale, shift) with {called}",
            must="x is multiplied by 1 + scale first; then shift is added, and is not scaled",
            hint="check the order of the arguments: first scale, then shift",
            tolerance=1e-9,
        )


def test_each_sample_has_its_own_scale_and_shift(step):
    """A new scale and shift for one sample change all its tokens, and no other sample."""
    x, scale, shift = tokens(generator(9), (4, 4, 6))
    expected = modulated(x, scale, shift)
    expected[2] += x[2] - 2
    scale[2], shift[2] = scale[2] + 1, shift[2] - 2
    check_close(
        step.modulate(x, scale, shift),
        expected,
        called="modulate on 4 samples of 4 tokens, with 1 added to scale[2] and 2 taken from shift[2]",
        must="every token of sample 2 moves by x - 2, and the other samples stay",
        hint="the first axis of scale and shift counts samples, not tokens",
        tolerance=1e-9,
    )


def test_modulate_does_not_normalise(step):
    """x is normalised before the call: tokens of any mean and size are taken as they are."""
    x, scale, shift = tokens(generator(10))
    check_close(
        step.modulate(100 * x + 50, scale, shift),
        modulated(100 * x + 50, scale, shift),
        called="modulate on large tokens, far from mean 0",
        must="only scale and shift act on them",
        hint="the layer norm is not part of this function, and nothing is clamped",
    )


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_modulate_keeps_the_dtype(step, dtype):
    """The result has the dtype of the tokens."""
    x, scale, shift = tokens(generator(11), dtype=dtype)
    check_close(
        step.modulate(x, scale, shift),
        modulated(x, scale, shift),
        called=f"modulate on tokens of {dtype}",
        must="the result keeps their dtype",
        hint="no conversion is needed",
    )


def test_modulate_changes_no_input(step):
    """The tokens, the scale and the shift stay as they are."""
    x, scale, shift = tokens(generator(12))
    with unchanged("modulate(x, scale, shift)", x=x, scale=scale, shift=shift):
        step.modulate(x, scale, shift)


def test_gradients_reach_tokens_scale_and_shift(step):
    """x gets the gradient times 1 + scale; scale and shift sum theirs over the tokens of a
    sample.
    """
    g = generator(13)
    x, scale, shift = (v.requires_grad_() for v in tokens(g, (3, 5, 4)))
    (weights,) = drawn(g, (3, 5, 4))
    check_gradients(
        "modulate",
        step.modulate(x, scale, shift),
        weights,
        {"x": x, "scale": scale, "shift": shift},
        (
            torch.stack([w * (1 + s) for w, s in zip(weights, scale.detach(), strict=True)]),
            (weights * x.detach()).sum(1),
            weights.sum(1),
        ),
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
