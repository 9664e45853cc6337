"""Step 3: classifier-free guidance."""

import pytest
import torch
from hypothesis import given

from kata.criteria.questions import CLASS_COUNTS
from kata.criteria.step03 import (
    BATCHES_AND_WIDTHS,
    CHANNEL_COUNTS,
    FORMULA_SCALES,
    GUIDED_BATCHES,
    MODEL_SCALES,
    SAMPLE_SCALES,
    SCALE_KINDS,
    VELOCITY_DTYPES,
    WHOLE_SCALES,
    WRONG_SCALE_SHAPES,
    model_and_batch,
    scale_of_two,
    scale_per_sample,
    velocities,
)
from kata.testing.assertions import check_close, check_raises, check_that, unchanged
from kata.testing.bounds import SEEDS, generator


def fields(model, x, t, y):
    """Return the model's unconditional and conditional velocity, without a recorded call."""
    with torch.no_grad():
        return model.velocity(x, t, torch.full_like(y, model.null_class)), model.velocity(x, t, y)


@given(seed=SEEDS)
def test_scale_zero_is_unconditional(step, seed):
    """w = 0 switches the label off: the result is v_uncond."""
    u, c = velocities(generator(seed))
    check_close(
        step.guide(u, c, 0.0),
        u,
        called="guide(v_uncond, v_cond, 0.0)",
        must="w = 0 ignores the label: v_u + 0 (v_c - v_u) = v_u",
        hint="start from v_uncond, and treat 0 like any other scale",
    )


@given(seed=SEEDS)
def test_scale_one_is_conditional(step, seed):
    """w = 1 amplifies nothing: the result is v_cond."""
    u, c = velocities(generator(seed))
    check_close(
        step.guide(u, c, 1.0),
        c,
        called="guide(v_uncond, v_cond, 1.0)",
        must="w = 1 amplifies nothing: v_u + 1 (v_c - v_u) = v_c",
        hint="count the scale from v_uncond: add w times the difference to v_uncond, not to v_cond",
    )


@pytest.mark.parametrize("scale", FORMULA_SCALES)
@given(seed=SEEDS)
def test_values_follow_the_formula(step, scale, seed):
    """v = v_u + w (v_c - v_u) at scales below 0, between 0 and 1, and above 1."""
    u, c = velocities(generator(seed))
    check_close(
        step.guide(u, c, scale),
        (1 - scale) * u + scale * c,
        called=f"guide(v_uncond, v_cond, {scale})",
        must="v = v_u + w (v_c - v_u) for every finite w, also below 1 and below 0",
        hint="one line, without an `if`: which velocity is subtracted from which?",
        tolerance=1e-9,
    )


@given(seed=SEEDS)
def test_result_is_linear_in_the_scale(step, seed):
    """Every step of 1 in w adds the same: the difference v_c - v_u."""
    u, c = velocities(generator(seed))
    at = [step.guide(u, c, w) for w in (0.0, 1.0, 2.0, 3.0)]
    for w in range(3):
        check_close(
            at[w + 1] - at[w],
            c - u,
            called=f"guide at w = {w} and w = {w + 1}, and took the difference",
            must="from one whole scale to the next the result moves by v_c - v_u",
            hint="the scale multiplies the difference once; nothing else depends on it",
        )


@pytest.mark.parametrize("channels", CHANNEL_COUNTS)
def test_every_channel_is_guided(step, channels):
    """All channels are guided in the same way, for any number of them."""
    u, c = velocities(generator(channels), (2, channels, 3, 3))
    check_close(
        step.guide(u, c, 4.0),
        u + 4.0 * (c - u),
        called=f"guide on velocities with {channels} channels, w = 4",
        must="every channel is guided",
        hint="do not slice the channels",
    )


def test_nothing_is_clamped(step):
    """Velocities far outside [-1, 1] pass through."""
    u, c = velocities(generator(0))
    check_close(
        step.guide(50 * u, 50 * c, 2.0),
        100 * c - 50 * u,
        called="guide(50 v_uncond, 50 v_cond, 2.0)",
        must="guidance is linear, so large velocities stay large",
        hint="remove the clamp or the rescaling: a velocity has no range",
    )


@pytest.mark.parametrize(("batch", "width"), BATCHES_AND_WIDTHS)
def test_one_scale_a_sample(step, batch, width):
    """A scale of shape (B,) guides each sample by its own number, even if B equals the width."""
    u, c = velocities(generator(batch), (batch, 2, 5, width))
    scale = scale_per_sample(batch)
    expected = torch.stack([u[i] + float(scale[i]) * (c[i] - u[i]) for i in range(batch)])
    check_close(
        step.guide(u, c, scale),
        expected,
        called=f"guide with a scale of shape ({batch},) on velocities of shape {tuple(u.shape)}",
        must="sample i is guided by scale[i]",
        hint="give the scale the shape (B, 1, 1, 1) before you multiply",
    )


@pytest.mark.parametrize("value", WHOLE_SCALES)
def test_scale_as_a_tensor_without_axes(step, value):
    """A 0-dim tensor is a number like any other."""
    u, c = velocities(generator(1))
    check_close(
        step.guide(u, c, torch.tensor(value)),
        u + value * (c - u),
        called=f"guide(v_uncond, v_cond, torch.tensor({value}))",
        must="a 0-dim tensor is one scale for the whole batch",
        hint="only a scale with one axis needs another shape",
    )


@pytest.mark.parametrize("shape", WRONG_SCALE_SHAPES)
def test_scale_of_another_shape_is_refused(step, shape):
    """A scale is one number, or one number per sample; any other shape raises ValueError."""
    u, c = velocities(generator(2))
    check_raises(
        ValueError,
        lambda: step.guide(u, c, torch.full(shape, 2.0)),
        called=f"guide with a scale of shape {shape} on a batch of 3",
        must="a scale is a number, a 0-dim tensor or of shape (B,); any other shape raises a ValueError",
        hint="compare scale.shape with (B,) and raise before torch broadcasts anything",
    )


@pytest.mark.parametrize("dtype", VELOCITY_DTYPES)
@pytest.mark.parametrize("kind", SCALE_KINDS)
def test_dtype_of_the_velocities_is_kept(step, dtype, kind):
    """The result has the dtype of the velocities, whatever the dtype of the scale."""
    u, c = velocities(generator(3), dtype=dtype)
    scale = scale_of_two(kind)
    check_close(
        step.guide(u, c, scale),
        u + 2 * (c - u),
        called=f"guide on velocities of {dtype} with a scale of {getattr(scale, 'dtype', kind)}",
        must="the result keeps the dtype of the velocities",
        hint="convert a tensor scale to the dtype of the velocities first",
        tolerance=0.02 if dtype == torch.bfloat16 else 1e-6,
    )


def test_guide_changes_no_input(step):
    """The velocities and the scale stay as they are."""
    u, c = velocities(generator(4))
    scale = torch.tensor(SAMPLE_SCALES[:3], dtype=torch.float64)
    with unchanged("guide(v_uncond, v_cond, scale)", v_uncond=u, v_cond=c, scale=scale):
        step.guide(u, c, scale)


def test_gradients_reach_both_velocities(step):
    """The result depends on both velocities, with weights 1 - w and w, for autograd too."""
    u, c = (v.requires_grad_() for v in velocities(generator(5)))
    result = step.guide(u, c, 3.0)
    check_that(
        isinstance(result, torch.Tensor) and result.requires_grad,
        called="guide on velocities that require gradients",
        got="returned something without a gradient",
        must="an ordinary differentiable formula",
        hint="no detach(), no torch.no_grad()",
    )
    for name, got, weight in zip(
        ("v_uncond", "v_cond"),
        torch.autograd.grad(result.sum(), (u, c), allow_unused=True),
        (-2.0, 3.0),
        strict=True,
    ):
        check_close(
            got,
            torch.full_like(u, weight),
            called=f"guide at w = 3 and took the gradient in {name}",
            must="the gradient is 1 - w in v_uncond and w in v_cond",
            hint="no detach(): both velocities are part of the formula",
        )


@pytest.mark.parametrize("num_classes", CLASS_COUNTS)
@pytest.mark.parametrize("scale", MODEL_SCALES)
def test_guided_velocity_mixes_the_models_two_answers(step, num_classes, scale):
    """v_u + w (v_c - v_u), with v_u for the null class and v_c for each sample's own label."""
    model, x, t, y = model_and_batch(generator(num_classes), num_classes)
    u, c = fields(model, x, t, y)
    check_close(
        step.guided_velocity(model, x, t, y, scale, num_classes),
        u + scale * (c - u),
        called=f"guided_velocity(model, x, t, y, {scale}, {num_classes}) on 4 samples of mixed labels",
        must="v_u + w (v_c - v_u) for each sample, with v_u for the null class and v_c for its label",
        hint="split the doubled batch in the same order in which you put it together",
    )


@pytest.mark.parametrize("batch", GUIDED_BATCHES)
def test_guided_velocity_with_one_scale_a_sample(step, batch):
    """Each sample is guided by its own scale, also if some scales are 0 or 1."""
    model, x, t, y = model_and_batch(generator(11), 7, batch)
    u, c = fields(model, x, t, y)
    scale = torch.tensor(SAMPLE_SCALES[:batch])
    check_close(
        step.guided_velocity(model, x, t, y, scale, 7),
        u + scale.to(u).view(-1, 1, 1, 1) * (c - u),
        called=f"guided_velocity with a scale of shape ({batch},)",
        must="sample i is guided by scale[i]",
        hint="pass the scale on to guide; compare only a plain number with 0 and 1",
    )


@pytest.mark.parametrize("scale", MODEL_SCALES)
def test_cost_in_samples_evaluated(step, scale):
    """Guidance evaluates 2B samples, split in any way; at the numbers 0 and 1 only B."""
    model, x, t, y = model_and_batch(generator(5), 3)
    step.guided_velocity(model, x, t, y, scale, 3)
    cost = 4 if scale in (0, 1) else 8
    check_that(
        model.evaluated == cost,
        called=f"guided_velocity with scale={scale!r} on a batch of 4",
        got=f"evaluated the model on {model.evaluated} samples; expected {cost}",
        must="at 0 only v_u is needed, at 1 only v_c, at any other scale both",
        hint="look at the scale before you call the model, and make only the calls that you use",
    )


@pytest.mark.parametrize("num_classes", CLASS_COUNTS)
def test_model_is_asked_at_the_same_point_twice(step, num_classes):
    """Both evaluations are at the caller's x and t: one with the labels, one with the null
    class.
    """
    model, x, t, y = model_and_batch(generator(6), num_classes)
    step.guided_velocity(model, x, t, y, 3.0, num_classes)
    xs, ts, ys = (torch.cat(parts) for parts in zip(*model.calls, strict=True))
    evaluated = sorted(
        (int(label), float(time), float(image.sum()))
        for image, time, label in zip(xs, ts, ys, strict=True)
    )
    expected = sorted(
        (int(label), float(t[i]), float(x[i].sum()))
        for i in range(4)
        for label in (y[i], torch.tensor(num_classes))
    )
    check_that(
        evaluated == expected,
        called=f"guided_velocity(model, x, t, y, 3.0, null_class={num_classes}) "
        "with a model that records its calls",
        got=f"evaluated the model for the labels {sorted(ys.tolist())}, or with another x or t",
        must=f"two evaluations per sample, at its own x and t: one for its label of {y.tolist()} "
        f"and one for {num_classes}",
        hint="only the labels differ between the two evaluations",
    )


@pytest.mark.parametrize("scale", WHOLE_SCALES)
@pytest.mark.parametrize("training", [True, False])
def test_mode_and_gradients_are_left_alone(step, scale, training):
    """The model keeps its mode, and gradients reach its parameters."""
    model, x, t, y = model_and_batch(generator(7), 3)
    model.train(training)
    result = step.guided_velocity(model, x, t, y, scale, 3)
    check_that(
        all(mode == training for mode in [*model.modes, model.training]),
        called=f"guided_velocity on a model in {'train' if training else 'eval'} mode",
        got="called the model in the other mode, or left it in that mode",
        must="the mode stays as it is: the sampler sets it, not the formula",
        hint="remove model.eval() and model.train()",
    )
    check_that(
        result.requires_grad,
        called="guided_velocity outside torch.no_grad()",
        got="returned a velocity without a gradient",
        must="the caller decides whether gradients are recorded",
        hint="remove torch.no_grad() and detach()",
    )


def test_guided_velocity_changes_no_input(step):
    """x, t and y stay as they are."""
    model, x, t, y = model_and_batch(generator(8), 3)
    with unchanged("guided_velocity(model, x, t, y, 3.0, 3)", x=x, t=t, y=y):
        step.guided_velocity(model, x, t, y, 3.0, 3)
