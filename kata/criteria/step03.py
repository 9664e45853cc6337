"""What step 3 is asked: the guidance formula, and a model's guided velocity."""

import torch

from kata.criteria.questions import asks, gradients, tried
from kata.criteria.rules import TESTIMONY, Criterion, close, refused, rule
from kata.testing.models import LabelField


def velocities(g, shape=(3, 1, 4, 5), dtype=torch.float64):
    """An unconditional and a conditional velocity."""
    return [(3 * torch.randn(shape, generator=g, dtype=torch.float64)).to(dtype) for _ in range(2)]


def inputs(g, num_classes, batch=4):
    """A model, images, times and mixed labels."""
    model = LabelField(num_classes, 4, torch.float64)
    x = torch.randn(batch, 4, 3, 4, generator=g, dtype=torch.float64)
    t = torch.rand(batch, generator=g, dtype=torch.float64)
    return model, x, t, torch.arange(batch).flip(0) % num_classes


@asks("guide")
def scale_zero_is_unconditional(step, g):
    return {"v": step.guide(*velocities(g), 0.0)}


@asks("guide")
def scale_one_is_conditional(step, g):
    return {"v": step.guide(*velocities(g), 1.0)}


@asks("guide")
def values_follow_the_formula(step, g):
    u, c = velocities(g)
    return {f"w={w}": step.guide(u, c, w) for w in (-1.0, 0.5, 1.5, 4.0, 7, 12.5)}


@asks("guide")
def every_channel_is_guided(step, g):
    return {
        f"{channels} channels": step.guide(*velocities(g, (2, channels, 3, 3)), 4.0)
        for channels in (1, 3, 4)
    }


@asks("guide")
def nothing_is_clamped(step, g):
    u, c = velocities(g)
    return {"v": step.guide(50 * u, 50 * c, 2.0)}


@asks("guide")
def one_scale_a_sample(step, g):
    answers = {}
    for batch, width in ((1, 5), (5, 5), (3, 4)):
        u, c = velocities(g, (batch, 2, 5, width))
        scale = torch.linspace(-1, 4, batch, dtype=torch.float64)
        answers[f"B={batch}, W={width}"] = tried(lambda u=u, c=c, w=scale: step.guide(u, c, w))
    return answers


@asks("guide")
def scale_as_a_tensor_without_axes(step, g):
    u, c = velocities(g)
    return {f"w={w}": step.guide(u, c, torch.tensor(w)) for w in (0.0, 1.0, 3.0)}


@asks("guide")
def scale_of_another_shape_is_refused(step, g):
    u, c = velocities(g)
    shapes = [(2,), (4,), (3, 1), (1, 3), (3, 1, 1, 1)]
    return {str(s): tried(lambda s=s: step.guide(u, c, 2 * torch.ones(s))) for s in shapes}


rule(scale_of_another_shape_is_refused, refused(ValueError))


@asks("guide")
def dtype_of_the_velocities_is_kept(step, g):
    answers = {}
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        u, c = velocities(g, dtype=dtype)
        scale = torch.tensor(2.0, dtype=torch.float64)
        for kind, w in (("int", 2), ("0-dim", scale), ("(B,)", scale.expand(3))):
            answers[f"{dtype}, {kind}"] = step.guide(u, c, w)
    return answers


# Numbers of bfloat16 have three digits, and right formulas round them differently.
rule(dtype_of_the_velocities_is_kept, Criterion(close(0.02)))


@asks("guide")
def guide_changes_no_input(step, g):
    u, c = velocities(g)
    scale = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
    step.guide(u, c, scale)
    return {"v_uncond": u, "v_cond": c, "scale": scale}


rule(guide_changes_no_input, TESTIMONY)


@asks("guide")
def gradients_reach_both_velocities(step, g):
    u, c = (v.requires_grad_() for v in velocities(g))
    weights, _ = velocities(g)
    return gradients(step.guide(u, c, 3.0), weights, v_uncond=u, v_cond=c)


@asks("guided_velocity")
def guided_velocity_mixes_the_models_two_answers(step, g):
    answers = {}
    for num_classes in (3, 7, 10):
        for w in (-1.0, 0, 0.0, 0.5, 1, 1.0, 1.5, 4.0):
            answers[f"K={num_classes}, w={w!r}"] = tried(
                lambda n=num_classes, w=w: step.guided_velocity(*inputs(g, n), w, n)
            )
    return answers


@asks("guided_velocity")
def guided_velocity_with_one_scale_a_sample(step, g):
    scale = torch.tensor([4.0, 1.0, 0.0, -1.0, 2.5])
    return {
        f"B={batch}": step.guided_velocity(*inputs(g, 7, batch), scale[:batch], 7)
        for batch in (1, 4, 5)
    }


@asks("guided_velocity")
def cost_in_samples_evaluated(step, g):
    costs = {}
    for scale in (0, 0.0, 1, 1.0, 0.5, 2.0, -1.0):
        model, x, t, y = inputs(g, 3)
        step.guided_velocity(model, x, t, y, scale, 3)
        costs[f"w={scale!r}"] = model.evaluated
    return costs


rule(cost_in_samples_evaluated, TESTIMONY)


@asks("guided_velocity")
def model_is_asked_at_the_same_point_twice(step, g):
    answers = {}
    for num_classes in (10, 3):
        model, x, t, y = inputs(g, num_classes)
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


@asks("guided_velocity")
def mode_and_gradients_are_left_alone(step, g):
    answers = {}
    for scale in (0.0, 1.0, 3.0):
        for training in (True, False):
            model, x, t, y = inputs(g, 3)
            model.train(training)
            v = step.guided_velocity(model, x, t, y, scale, 3)
            case = f"w={scale}, {'train' if training else 'eval'}"
            modes = [all(model.modes), any(model.modes), model.training]
            answers[f"{case}: modes"] = torch.tensor(modes)
            reached = gradients(v, torch.ones_like(v), table=model.table)
            answers[f"{case}: gradient"] = reached["table"]
    return answers


rule(mode_and_gradients_are_left_alone, TESTIMONY)


@asks("guided_velocity")
def guided_velocity_changes_no_input(step, g):
    model, x, t, y = inputs(g, 3)
    step.guided_velocity(model, x, t, y, 3.0, 3)
    return {"x": x, "t": t, "y": y}


rule(guided_velocity_changes_no_input, TESTIMONY)
