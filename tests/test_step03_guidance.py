"""Step 3: classifier-free guidance."""

import pytest
import torch
from hypothesis import given

from kata.testing.assertions import check_close, check_raises, check_that, unchanged
from kata.testing.bounds import SEEDS, generator
from kata.testing.models import LabelField

SCALES = [-1.0, 0.5, 1.5, 4.0, 7, 12.5]


def velocities(seed, shape=(3, 1, 4, 5), dtype=torch.float64):
    """An unconditional and a conditional velocity."""
    g = generator(seed)
    return [(3 * torch.randn(shape, generator=g, dtype=torch.float64)).to(dtype) for _ in range(2)]


def inputs(seed, num_classes, batch=4, channels=4):
    """A model, images, times and mixed labels; the closed form is in `fields`."""
    g = generator(seed)
    model = LabelField(num_classes, channels, torch.float64)
    x = torch.randn(batch, channels, 3, 4, generator=g, dtype=torch.float64)
    t = torch.rand(batch, generator=g, dtype=torch.float64)
    y = (torch.arange(batch) + seed) % num_classes
    return model, x, t, y


def fields(model, x, t, y):
    """The unconditional and the conditional velocity of that model, without a recorded call."""
    with torch.no_grad():
        return model.velocity(x, t, torch.full_like(y, model.null_class)), model.velocity(x, t, y)


@given(seed=SEEDS)
def test_scale_zero_is_unconditional(step, seed):
    """w = 0 switches the label off: the result is v_uncond."""
    u, c = velocities(seed)
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
    u, c = velocities(seed)
    check_close(
        step.guide(u, c, 1.0),
        c,
        called="guide(v_uncond, v_cond, 1.0)",
        must="w = 1 amplifies nothing: v_u + 1 (v_c - v_u) = v_c",
        hint="count the scale from v_uncond: add w times the difference to v_uncond, not to v_cond",
    )


@pytest.mark.parametrize("scale", SCALES)
@given(seed=SEEDS)
def test_values_follow_the_formula(step, scale, seed):
    """v = v_u + w (v_c - v_u) at scales below 0, between 0 and 1, and above."""
    u, c = velocities(seed)
    check_close(
        step.guide(u, c, scale),
        (1 - scale) * u + scale * c,
        called=f"guide(v_uncond, v_cond, {scale})",
        must="v = v_u + w (v_c - v_u) for every finite w, also below 1 and below 0",
        hint="one line, without an `if`: mind which velocity is subtracted from which",
        tolerance=1e-9,
    )


@given(seed=SEEDS)
def test_result_is_linear_in_the_scale(step, seed):
    """Every step of 1 in w adds the same, the difference v_c - v_u."""
    u, c = velocities(seed)
    at = [step.guide(u, c, w) for w in (0.0, 1.0, 2.0, 3.0)]
    for w in range(3):
        check_close(
            at[w + 1] - at[w],
            c - u,
            called=f"guide at w = {w} and w = {w + 1}, and took the difference of the two",
            must="from one whole scale to the next the result moves by v_c - v_u",
            hint="the scale multiplies the difference once; nothing else depends on it",
        )


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_channel_is_guided(step, channels):
    """All channels are guided alike, whatever their number."""
    u, c = velocities(channels, (2, channels, 3, 3))
    check_close(
        step.guide(u, c, 4.0),
        u + 4.0 * (c - u),
        called=f"guide on velocities with {channels} channels, w = 4",
        must="each channel is guided",
        hint="do not slice the channels",
    )


def test_nothing_is_clamped(step):
    """Velocities far outside [-1, 1] pass through."""
    u, c = velocities(0)
    check_close(
        step.guide(50 * u, 50 * c, 2.0),
        100 * c - 50 * u,
        called="guide(50 v_uncond, 50 v_cond, 2.0)",
        must="guidance is linear, so large velocities stay large",
        hint="remove the clamp or the rescaling: a velocity has no range",
    )


@pytest.mark.parametrize(("batch", "width"), [(1, 5), (5, 5), (3, 4)])
def test_one_scale_a_sample(step, batch, width):
    """A scale of shape (B,) guides each sample by its own number, also where B equals the width."""
    u, c = velocities(batch, (batch, 2, 5, width))
    scale = torch.linspace(-1, 4, batch, dtype=torch.float64)
    expected = torch.stack([u[i] + float(scale[i]) * (c[i] - u[i]) for i in range(batch)])
    check_close(
        step.guide(u, c, scale),
        expected,
        called=f"guide with a scale of shape ({batch},) on velocities of shape {tuple(u.shape)}",
        must="sample i is guided by scale[i]",
        hint="give the scale the shape (B, 1, 1, 1) before it meets the velocities",
    )


@pytest.mark.parametrize("value", [0.0, 1.0, 3.0])
def test_scale_as_a_tensor_without_axes(step, value):
    """A 0-dim tensor is a number like any other."""
    u, c = velocities(1)
    check_close(
        step.guide(u, c, torch.tensor(value)),
        u + value * (c - u),
        called=f"guide(v_uncond, v_cond, torch.tensor({value}))",
        must="a 0-dim tensor is one scale for the whole batch",
        hint="only a scale with one axis needs to be reshaped",
    )


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), (1, 3), (3, 1, 1, 1)])
def test_scale_of_another_shape_is_refused(step, shape):
    """A scale that is neither one number nor one number a sample raises ValueError, instead of being broadcast."""
    u, c = velocities(2)
    check_raises(
        ValueError,
        lambda: step.guide(u, c, torch.ones(shape)),
        called=f"guide with a scale of shape {shape} on a batch of 3",
        must="a scale is a number, a 0-dim tensor or of shape (B,); any other shape is a ValueError",
        hint="compare scale.shape with (B,) and raise before anything is broadcast",
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(
    "scale",
    [2, 2.0, torch.tensor(2.0, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)],
)
def test_dtype_of_the_velocities_is_kept(step, dtype, scale):
    """The result has the dtype of the velocities, whatever the dtype of the scale."""
    u, c = velocities(3, dtype=dtype)
    check_close(
        step.guide(u, c, scale),
        u + 2 * (c - u),
        called=f"guide on velocities of {dtype} with a scale of {getattr(scale, 'dtype', type(scale).__name__)}",
        must="the dtype of the velocities is kept",
        hint="bring a tensor scale to the dtype of the velocities first",
        tolerance=0.02 if dtype == torch.bfloat16 else 1e-6,
    )


def test_guide_changes_no_input(step):
    """The velocities and the scale are as they were."""
    u, c = velocities(4)
    scale = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
    with unchanged("guide(v_uncond, v_cond, scale)", v_uncond=u, v_cond=c, scale=scale):
        step.guide(u, c, scale)


def test_gradients_reach_both_velocities(step):
    """The result depends on both velocities, with weights 1 - w and w, for autograd too."""
    u, c = (v.requires_grad_() for v in velocities(5))
    result = step.guide(u, c, 3.0)
    check_that(
        isinstance(result, torch.Tensor) and result.requires_grad,
        called="guide on velocities that require gradients",
        got="returned something without a gradient",
        must="guide is an ordinary differentiable formula",
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
            called=f"guide at w = 3 and asked for its gradient in {name}",
            must="it is 1 - w for v_uncond and w for v_cond",
            hint="no detach(): both velocities are part of the formula",
        )


@pytest.mark.parametrize("num_classes", [3, 7, 10])
@pytest.mark.parametrize("scale", [-1.0, 0, 0.0, 0.5, 1, 1.0, 1.5, 4.0])
def test_guided_velocity_mixes_the_models_two_answers(step, num_classes, scale):
    """It is v_u + w (v_c - v_u), with v_u under the null class and v_c under each sample's own label."""
    model, x, t, y = inputs(num_classes, num_classes)
    u, c = fields(model, x, t, y)
    check_close(
        step.guided_velocity(model, x, t, y, scale, num_classes),
        u + scale * (c - u),
        called=f"guided_velocity(model, x, t, y, {scale}, {num_classes}) on 4 samples of mixed labels",
        must="each sample gets v_u + w (v_c - v_u), v_u under the null class, v_c under its own label",
        hint="put the halves of the doubled batch together and take them apart in the same order",
    )


@pytest.mark.parametrize("batch", [1, 4, 5])
def test_guided_velocity_with_one_scale_a_sample(step, batch):
    """Per-sample scales, 0 and 1 among them, guide each sample by its own."""
    model, x, t, y = inputs(11, 7, batch)
    u, c = fields(model, x, t, y)
    scale = torch.tensor([4.0, 1.0, 0.0, -1.0, 2.5])[:batch]
    check_close(
        step.guided_velocity(model, x, t, y, scale, 7),
        u + scale.to(u).view(-1, 1, 1, 1) * (c - u),
        called=f"guided_velocity with a scale of shape ({batch},)",
        must="sample i is guided by scale[i]",
        hint="hand the scale on to guide; compare only a plain number with 0 and 1",
    )


@pytest.mark.parametrize(
    ("scale", "cost"), [(0, 4), (0.0, 4), (1, 4), (1.0, 4), (0.5, 8), (2.0, 8), (-1.0, 8)]
)
def test_cost_in_samples_evaluated(step, scale, cost):
    """Guidance evaluates 2B samples, in any split; at the numbers 0 and 1 only B."""
    model, x, t, y = inputs(5, 3)
    step.guided_velocity(model, x, t, y, scale, 3)
    check_that(
        model.evaluated == cost,
        called=f"guided_velocity with scale={scale!r} on a batch of 4",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"it costs {cost}: at 0 only v_u is needed, at 1 only v_c, else both",
        hint="look at the scale before you call the model, and call it no more often than its answers are used",
    )


@pytest.mark.parametrize("num_classes", [3, 10])
def test_model_is_asked_at_the_same_point_twice(step, num_classes):
    """Both questions go to the model at the caller's x and t; one with the labels, one with the null class."""
    model, x, t, y = inputs(6, num_classes)
    step.guided_velocity(model, x, t, y, 3.0, num_classes)
    xs, ts, ys = (torch.cat(parts) for parts in zip(*model.calls, strict=True))
    asked = sorted(
        (int(label), float(time), float(image.sum()))
        for image, time, label in zip(xs, ts, ys, strict=True)
    )
    expected = sorted(
        (int(label), float(t[i]), float(x[i].sum()))
        for i in range(4)
        for label in (y[i], torch.tensor(num_classes))
    )
    check_that(
        asked == expected,
        called=f"guided_velocity(model, x, t, y, 3.0, null_class={num_classes}) with a model that records its calls",
        got=f"asked the model about the labels {sorted(ys.tolist())}, or changed x or t on the way",
        must=f"each sample is asked about twice, at its own x and t: with its label of {y.tolist()} "
        f"and with {num_classes}",
        hint="only the labels differ between the two questions",
    )


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("training", [True, False])
def test_mode_and_gradients_are_left_alone(step, scale, training):
    """The model keeps its mode, and gradients reach its parameters."""
    model, x, t, y = inputs(7, 3)
    model.train(training)
    result = step.guided_velocity(model, x, t, y, scale, 3)
    check_that(
        all(mode == training for mode in [*model.modes, model.training]),
        called=f"guided_velocity on a model in {'train' if training else 'eval'} mode",
        got="called the model in the other mode, or left it so",
        must="the mode is the caller's business: the sampler sets it, not the formula",
        hint="remove model.eval() and model.train()",
    )
    check_that(
        result.requires_grad,
        called="guided_velocity outside of torch.no_grad()",
        got="returned a velocity without a gradient",
        must="whether gradients are recorded is the caller's business",
        hint="remove torch.no_grad() and detach()",
    )


def test_guided_velocity_changes_no_input(step):
    """x, t and y are as they were."""
    model, x, t, y = inputs(8, 3)
    with unchanged("guided_velocity(model, x, t, y, 3.0, 3)", x=x, t=t, y=y):
        step.guided_velocity(model, x, t, y, 3.0, 3)
