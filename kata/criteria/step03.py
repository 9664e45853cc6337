"""Step 3: the guidance formula, and the guided velocity of a model."""

import torch

from kata.criteria.questions import CLASS_COUNTS, asks, gradients, tried
from kata.criteria.rules import TESTIMONY, Criterion, close, refused, rule
from kata.testing.models import LabelField

SMALL = 2**-10
"""About 0.001. Every scale here is exact in single precision: in a tensor it is the same."""

FORMULA_SCALES = (-1.0, -0.0, SMALL, 0.5, 1 - SMALL, 1 + SMALL, 1.5, 4.0, 7, 12.5, 1e6)

WHOLE_SCALES = (0.0, 1.0, 3.0)

TENSOR_SCALES = (0.0, 0.5, 1.0, 1 + 2**-20, 3.0, 0, 3, True)
"""Scales as tensors without axes, of floating, integer and boolean dtype."""

TINY = 2.0**-20

MODEL_SCALES = (
    *(-1.0, 0, 0.0, -0.0, TINY, SMALL, 0.5, 1 - SMALL, 1, 1.0, 1 + TINY, 1 + SMALL, 1.5, 4.0),
    1e6,
)

SAMPLE_SCALES = (4.0, 1.0, 0.0, -1.0, 2.5)
"""One scale per sample."""

CHANNEL_COUNTS = (1, 3, 4)

BATCHES_AND_WIDTHS = ((1, 5), (5, 5), (2, 3), (3, 4), (300, 2))
"""Batch sizes and widths of images; some of them coincide."""

WRONG_SCALE_SHAPES = ((1,), (2,), (4,), (1, 1), (3, 1), (1, 3), (3, 1, 1, 1))
"""Shapes of a scale that do not fit 3 samples."""

VELOCITY_DTYPES = (torch.bfloat16, torch.float16, torch.float32, torch.float64)

SCALE_KINDS = ("int", "float", "0-dim", "(B,)", "int (B,)")
"""What a scale can be."""

CLASSES_AND_BATCHES = ((3, 4), (7, 4), (10, 4), (26, 300))
"""Numbers of classes, and batch sizes."""

GUIDED_BATCHES = (1, 4, 5, 300)


def velocities(g, shape=(3, 1, 4, 5), dtype=torch.float64):
    """Draw an unconditional and a conditional velocity."""
    return [(3 * torch.randn(shape, generator=g, dtype=torch.float64)).to(dtype) for _ in range(2)]


def scale_per_sample(batch):
    """Return scales `(batch,)` from -1 to 4, none of them a round number."""
    return (8 * torch.arange(batch, dtype=torch.float64) % 21 - 4) / 4 + 2**-20


def scale_of_two(kind):
    """Return the scale 2 as one of SCALE_KINDS, for 3 samples."""
    tensor = torch.tensor(2.0, dtype=torch.float64)
    samples = tensor.repeat(3)
    kinds = (2, 2.0, tensor, samples, samples.int())
    return dict(zip(SCALE_KINDS, kinds, strict=True))[kind]


def sample_scales(batch):
    """Return SAMPLE_SCALES, again and again: `(batch,)`."""
    return torch.tensor(SAMPLE_SCALES).repeat(batch // 5 + 1)[:batch]


def model_and_batch(g, num_classes, batch=4):
    """Return a model, and draw images, times and mixed labels."""
    model = LabelField(num_classes, 4, torch.float64)
    x = torch.randn(batch, 4, 3, 4, generator=g, dtype=torch.float64)
    t = torch.rand(batch, generator=g, dtype=torch.float64)
    return model, x, t, torch.arange(batch).flip(0) % num_classes


@asks("guide")
def guide_changes_no_input(step, g):
    answers = {}
    for w in (*WHOLE_SCALES, torch.tensor(SAMPLE_SCALES[:3], dtype=torch.float64)):
        u, c = velocities(g)
        case = "one per sample" if isinstance(w, torch.Tensor) else f"w={w}"
        step.guide(u, c, w)
        answers |= {f"{case}: v_uncond": u, f"{case}: v_cond": c, f"{case}: scale": w}
    return answers


rule(guide_changes_no_input, TESTIMONY)


@asks("guided_velocity")
def guided_velocity_changes_no_input(step, g):
    answers = {}
    for w in WHOLE_SCALES:
        model, x, t, y = model_and_batch(g, 3)
        step.guided_velocity(model, x, t, y, w, 3)
        answers |= {f"w={w}: x": x, f"w={w}: t": t, f"w={w}: y": y}
    return answers


rule(guided_velocity_changes_no_input, TESTIMONY)


@asks("guide")
def scale_zero_is_unconditional(step, g):
    return {"v": step.guide(*velocities(g), 0.0)}


@asks("guide")
def scale_one_is_conditional(step, g):
    return {"v": step.guide(*velocities(g), 1.0)}


@asks("guide")
def values_follow_the_formula(step, g):
    u, c = velocities(g)
    return {f"w={w}": step.guide(u, c, w) for w in FORMULA_SCALES}


TO_ROUNDING = Criterion(close(1e-9))
"""What doubles give, whatever the order of the sums."""


rule(values_follow_the_formula, TO_ROUNDING)


@asks("guide")
def every_channel_is_guided(step, g):
    return {
        f"{channels} channels": step.guide(*velocities(g, (2, channels, 3, 3)), 4.0)
        for channels in CHANNEL_COUNTS
    }


@asks("guide")
def nothing_is_clamped(step, g):
    u, c = velocities(g)
    return {"v": step.guide(50 * u, 50 * c, 2.0)}


@asks("guide")
def one_scale_a_sample(step, g):
    answers = {}
    for batch, width in BATCHES_AND_WIDTHS:
        u, c = velocities(g, (batch, 2, 5, width))
        scale = scale_per_sample(batch)
        answers[f"B={batch}, W={width}"] = tried(lambda u=u, c=c, w=scale: step.guide(u, c, w))
    return answers


rule(one_scale_a_sample, TO_ROUNDING)


@asks("guide")
def scale_as_a_tensor_without_axes(step, g):
    u, c = velocities(g)
    return {f"w={w!r}": step.guide(u, c, torch.tensor(w)) for w in TENSOR_SCALES}


rule(scale_as_a_tensor_without_axes, TO_ROUNDING)


@asks("guide")
def scale_of_another_shape_is_refused(step, g):
    u, c = velocities(g)
    scales = {str(shape): torch.full(shape, 2.0) for shape in WRONG_SCALE_SHAPES}
    return {shape: tried(lambda w=scale: step.guide(u, c, w)) for shape, scale in scales.items()}


rule(scale_of_another_shape_is_refused, refused(ValueError))


@asks("guide")
def dtype_of_the_velocities_is_kept(step, g):
    answers = {}
    for dtype in VELOCITY_DTYPES:
        for kind in SCALE_KINDS:
            u, c = velocities(g, dtype=dtype)
            answers[f"{dtype}, {kind}"] = step.guide(u, c, scale_of_two(kind))
    return answers


# A bfloat16 has three digits, and correct formulas round it differently.
rule(dtype_of_the_velocities_is_kept, Criterion(close(0.02)))


@asks("guide")
def gradients_reach_both_velocities(step, g):
    u, c = (v.requires_grad_() for v in velocities(g))
    weights, _ = velocities(g)
    return gradients(step.guide(u, c, 3.0), weights, v_uncond=u, v_cond=c)


@asks("guided_velocity")
def guided_velocity_mixes_the_models_two_answers(step, g):
    answers = {}
    for n, batch in CLASSES_AND_BATCHES:
        for w in MODEL_SCALES:
            inputs = model_and_batch(g, n, batch)
            answers[f"K={n}, w={w!r}"] = tried(
                lambda inputs=inputs, n=n, w=w: step.guided_velocity(*inputs, w, n)
            )
    return answers


rule(guided_velocity_mixes_the_models_two_answers, TO_ROUNDING)


@asks("guided_velocity")
def guided_velocity_with_one_scale_a_sample(step, g):
    return {
        f"B={batch}": step.guided_velocity(*model_and_batch(g, 7, batch), sample_scales(batch), 7)
        for batch in GUIDED_BATCHES
    }


rule(guided_velocity_with_one_scale_a_sample, TO_ROUNDING)


@asks("guided_velocity")
def cost_in_samples_evaluated(step, g):
    costs = {}
    for scale in MODEL_SCALES:
        model, x, t, y = model_and_batch(g, 3)
        step.guided_velocity(model, x, t, y, scale, 3)
        costs[f"w={scale!r}"] = model.evaluated
    return costs


rule(cost_in_samples_evaluated, TESTIMONY)


@asks("guided_velocity")
def model_is_asked_at_the_same_point_twice(step, g):
    answers = {}
    for num_classes in CLASS_COUNTS:
        model, x, t, y = model_and_batch(g, num_classes)
        step.guided_velocity(model, x, t, y, 3.0, num_classes)
        images, times, labels = (torch.cat(parts) for parts in zip(*model.calls, strict=True))
        answers[f"K={num_classes}"] = torch.tensor(
            sorted(
                (float(label), float(time), float(image.sum()))
                for image, time, label in zip(images, times, labels, strict=True)
            )
        )
    return answers


rule(model_is_asked_at_the_same_point_twice, TESTIMONY)
