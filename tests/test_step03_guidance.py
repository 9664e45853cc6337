"""Step 3: classifier-free guidance."""

import pytest
import torch
from hypothesis import given

from kata.criteria.questions import CLASS_COUNTS
from kata.criteria.step03 import (
    BATCHES_AND_WIDTHS,
    CHANNEL_COUNTS,
    CLASSES_AND_BATCHES,
    FORMULA_SCALES,
    GUIDED_BATCHES,
    MODEL_SCALES,
    SAMPLE_SCALES,
    SCALE_KINDS,
    TENSOR_SCALES,
    VELOCITY_DTYPES,
    WHOLE_SCALES,
    WRONG_SCALE_SHAPES,
    model_and_batch,
    sample_scales,
    scale_of_two,
    scale_per_sample,
    velocities,
)
from kata.criteria.step03_model import (
    MIXED_MODES,
    MODEL_DTYPES,
    NO_GRAD_CONTEXTS,
    fault_of_guided_velocity_elsewhere,
    grow,
    layered_model_and_batch,
)
from kata.testing.assertions import check_close, check_raises, check_that, unchanged
from kata.testing.bounds import SEEDS, generator
from kata.testing.devices import fault_elsewhere


def fields(model, x, t, y):
    """Return the model's unconditional and conditional velocity, without a recorded call."""
    with torch.no_grad():
        return model.velocity(x, t, torch.full_like(y, model.null_class)), model.velocity(x, t, y)


@pytest.mark.parametrize("scale", [*WHOLE_SCALES, "one per sample"])
def test_guide_changes_no_input(step, scale):
    """The velocities and the scale stay as they are."""
    u, c = velocities(generator(4))
    if isinstance(scale, str):
        scale = torch.tensor(SAMPLE_SCALES[:3], dtype=torch.float64)
    with unchanged("guide(v_uncond, v_cond, scale)", v_uncond=u, v_cond=c, scale=scale):
        step.guide(u, c, scale)


@pytest.mark.parametrize("scale", WHOLE_SCALES)
def test_guided_velocity_changes_no_input(step, scale):
    """x, t and y stay as they are, at every scale."""
    model, x, t, y = model_and_batch(generator(8), 3)
    with unchanged(f"guided_velocity(model, x, t, y, {scale}, 3)", x=x, t=t, y=y):
        step.guided_velocity(model, x, t, y, scale, 3)


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
    """v = v_u + w (v_c - v_u) at scales below 0, beside 0 and 1, between them, and far above."""
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
        tolerance=1e-9,
    )


@pytest.mark.parametrize("value", TENSOR_SCALES)
def test_scale_as_a_tensor_without_axes(step, value):
    """A 0-dim tensor is a number like any other, also of an integer or boolean dtype."""
    u, c = velocities(generator(1))
    check_close(
        step.guide(u, c, torch.tensor(value)),
        u + value * (c - u),
        called=f"guide(v_uncond, v_cond, torch.tensor({value}))",
        must="a 0-dim tensor is one scale for the whole batch",
        hint="only a scale with one axis needs another shape; never round the scale",
        tolerance=1e-9,
    )


@pytest.mark.parametrize("dtype", VELOCITY_DTYPES)
@pytest.mark.parametrize("kind", SCALE_KINDS)
def test_dtype_of_the_velocities_is_kept(step, dtype, kind):
    """The result has the dtype of the velocities, whatever the dtype of the scale."""
    u, c = velocities(generator(3), dtype=dtype)
    scale = scale_of_two(kind)
    check_close(
        step.guide(u, c, scale),
        (2 * c.double() - u.double()).to(dtype),
        called=f"guide on velocities of {dtype} with a scale of {getattr(scale, 'dtype', kind)}",
        must="the result keeps the dtype of the velocities",
        hint="convert a tensor scale to the dtype of the velocities, and nothing else",
        tolerance=4 * torch.finfo(dtype).eps,
    )


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


@pytest.mark.parametrize("scale", MODEL_SCALES)
def test_guided_velocity_mixes_the_models_two_answers(step, scale):
    """v_u + w (v_c - v_u), with v_u for the null class and v_c for each sample's own label."""
    for num_classes, batch in CLASSES_AND_BATCHES:
        model, x, t, y = model_and_batch(generator(num_classes), num_classes, batch)
        u, c = fields(model, x, t, y)
        check_close(
            step.guided_velocity(model, x, t, y, scale, num_classes),
            u + scale * (c - u),
            called=f"guided_velocity(model, x, t, y, {scale}, {num_classes}) "
            f"on {batch} samples of mixed labels",
            must="v_u + w (v_c - v_u) for each sample, "
            "with v_u for the null class and v_c for its label",
            hint="split the doubled batch in the same order in which you put it together",
            tolerance=1e-9,
        )


@pytest.mark.parametrize("batch", GUIDED_BATCHES)
def test_guided_velocity_with_one_scale_a_sample(step, batch):
    """Each sample is guided by its own scale, also if some scales are 0 or 1."""
    model, x, t, y = model_and_batch(generator(11), 7, batch)
    u, c = fields(model, x, t, y)
    scale = sample_scales(batch)
    check_close(
        step.guided_velocity(model, x, t, y, scale, 7),
        u + scale.to(u).view(-1, 1, 1, 1) * (c - u),
        called=f"guided_velocity with a scale of shape ({batch},)",
        must="sample i is guided by scale[i]",
        hint="pass the scale on to guide; compare only a plain number with 0 and 1",
        tolerance=1e-9,
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
@pytest.mark.parametrize("modes", MIXED_MODES)
def test_mode_and_gradients_are_left_alone(step, scale, modes):
    """The model and the layers inside keep their modes, and a graph is recorded."""
    model, x, t, y = layered_model_and_batch(generator(7), *modes)
    result = step.guided_velocity(model, x, t, y, scale, 3)
    seen = {*model.modes, model.training}, {*model.layer_training, model.inside[0].training}
    names = ["train" if mode else "eval" for mode in modes]
    check_that(
        seen == ({modes[0]}, {modes[1]}),
        called=f"guided_velocity on a model in {names[0]} mode, with a layer inside in {names[1]} mode",
        got="called the model in another mode, or left it in another mode",
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


@pytest.mark.parametrize("scale", WHOLE_SCALES)
def test_gradients_follow_the_formula(step, scale):
    """Gradients reach x and the weights through both velocities."""
    model, x, t, y = model_and_batch(generator(9), 3)
    to = x.requires_grad_(), model.table
    u, c = model.velocity(x, t, torch.full_like(y, 3)), model.velocity(x, t, y)
    result = step.guided_velocity(model, x, t, y, scale, 3)
    check_that(
        result.requires_grad,
        called=f"guided_velocity at w = {scale}, outside torch.no_grad()",
        got="returned a velocity without a gradient",
        must="the caller decides whether gradients are recorded",
        hint="remove torch.no_grad() and detach()",
    )
    found = torch.autograd.grad(result.sum(), to, materialize_grads=True)
    expected = torch.autograd.grad((u + scale * (c - u)).sum(), to)
    for name, got, wanted in zip(("x", "the model's weights"), found, expected, strict=True):
        check_close(
            got,
            wanted,
            called=f"guided_velocity at w = {scale} and took the gradient in {name}",
            must="the gradient is that of v_u + w (v_c - v_u), through both velocities",
            hint="no torch.no_grad() around one of the two evaluations, and no detach()",
            tolerance=1e-9,
        )


@pytest.mark.parametrize("context", NO_GRAD_CONTEXTS)
@pytest.mark.parametrize("scale", WHOLE_SCALES)
def test_caller_decides_about_gradients(step, scale, context):
    """Without gradients no graph is recorded; frozen weights stay frozen, and x gets its own."""
    model, x, t, y = model_and_batch(generator(10), 3)
    with context():
        result = step.guided_velocity(model, x, t, y, scale, 3)
    check_that(
        not result.requires_grad,
        called=f"guided_velocity at w = {scale} under torch.{context.__name__}()",
        got="returned a velocity with a graph",
        must="the caller decides whether gradients are recorded",
        hint="remove torch.enable_grad() and requires_grad_()",
    )
    model.requires_grad_(False)
    result = step.guided_velocity(model, x.requires_grad_(), t, y, scale, 3)
    check_that(
        result.requires_grad and not model.table.requires_grad,
        called=f"guided_velocity at w = {scale} on a model whose weights are frozen",
        got="lost the gradient in x" if not result.requires_grad else "made them trainable",
        must="frozen weights stay frozen, and gradients reach x",
        hint="no requires_grad_(), detach() or torch.no_grad() here",
    )


@pytest.mark.parametrize("scale", WHOLE_SCALES)
def test_every_call_asks_the_model_anew(step, scale):
    """Nothing is kept from one call to the next: neither velocities nor null labels."""
    model, x, t, y = model_and_batch(generator(12), 3)
    step.guided_velocity(model, x, t, y, scale, 3)
    for null_class, what in ((3, "the same inputs, when the weights had doubled"), (2, "class 2")):
        grow(model)
        u, c = fields(model, x, t, torch.full_like(y, null_class))[1], fields(model, x, t, y)[1]
        check_close(
            step.guided_velocity(model, x, t, y, scale, null_class),
            u + scale * (c - u),
            called=f"guided_velocity at w = {scale}, and again with {what}",
            must="every call evaluates the model as it is now, for the null class it is given",
            hint="store nothing between calls: no global variable, no cache",
            tolerance=1e-9,
        )


@pytest.mark.parametrize("dtypes", MODEL_DTYPES)
@pytest.mark.parametrize("scale", WHOLE_SCALES)
def test_dtypes_of_images_times_and_labels(step, dtypes, scale):
    """Images, times and labels may each have a dtype of their own; the result has the model's."""
    model, x, t, y = model_and_batch(generator(13), 3)
    x, t, y = (part.to(dtype) for part, dtype in zip((x, t, y), dtypes, strict=True))
    u, c = fields(model.to(x), x, t.to(x), y)
    check_close(
        step.guided_velocity(model, x, t, y, scale, 3),
        u + scale * (c - u),
        called="guided_velocity on images of {}, times of {} and labels of {}".format(*dtypes),
        must="the model gets x, t and y as they are, and its answers keep their dtype",
        hint="torch.full_like(y, null_class) has the dtype of y; convert neither x nor t",
        tolerance=8 * torch.finfo(x.dtype).eps,
    )


@pytest.mark.parametrize("kind", ["float", "0-dim", "(B,)"])
def test_velocities_may_be_on_another_device_than_the_scale(step, kind):
    """The result is on the device of the velocities, wherever the scale is."""
    fault = fault_elsewhere(
        lambda u, c: step.guide(u, c, scale_of_two(kind)), *velocities(generator(14))
    )
    check_that(
        not fault,
        called=f"guide on velocities on a GPU, with a scale ({kind}) on the CPU",
        got=fault,
        must="the result is on the device of the velocities",
        hint="convert a tensor scale to the dtype and to the device: scale.to(v_cond)",
    )


@pytest.mark.parametrize("scale", WHOLE_SCALES)
def test_null_labels_are_where_the_labels_are(step, scale):
    """Everything that is made here is on the caller's device."""
    fault = fault_of_guided_velocity_elsewhere(step, generator(15), scale)
    check_that(
        not fault,
        called=f"guided_velocity at w = {scale} with the model, x, t and y on a GPU",
        got=fault,
        must="whatever is made here is on the device of x and y",
        hint="torch.full_like(y, null_class) has the device of y",
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


@pytest.mark.parametrize("shape", WRONG_SCALE_SHAPES)
def test_guided_velocity_refuses_the_scales_that_guide_refuses(step, shape):
    """A scale of another shape raises ValueError here too."""
    model, x, t, y = model_and_batch(generator(16), 3, 3)
    check_raises(
        ValueError,
        lambda: step.guided_velocity(model, x, t, y, torch.full(shape, 2.0), 3),
        called=f"guided_velocity with a scale of shape {shape} on a batch of 3",
        must="a scale is a number, a 0-dim tensor or of shape (B,); any other shape raises a ValueError",
        hint="pass the scale on to guide as it is, which refuses it",
    )
