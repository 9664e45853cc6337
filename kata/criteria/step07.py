"""Criteria of step 7: where each sampler ends, what it asks of the model, and what it changes.

A question about all three samplers is named as one about the last of them.
"""

from functools import partial, wraps
from itertools import product

import torch

from kata.criteria.questions import (
    IMAGE_SHAPE,
    asks,
    branch,
    images,
    refusal,
    tried,
    with_generators,
    with_the_global_one,
)
from kata.criteria.rules import (
    BAD_LABELS,
    CALL_TIMES,
    LANDED,
    ON_ANY_DEVICE,
    REPEATED,
    TESTIMONY,
    Criterion,
    refused,
    rule,
)
from kata.testing.models import LabelField, PointMass
from kata.testing.spies import Called, Elsewhere, TableModel, Unconditional, Watched

SAMPLER_NAMES = ("sample", "sample_conditional", "sample_each_class")
STEP_COUNTS = (1, 3, 5)
TOO_FEW_STEPS = (0, -3)
GUIDANCE_SCALES = (-1, 0, 0.5, 0.999, 1, 1.001, 1.5, 4, 100)
COST_SCALES = (0, 0.0, 1, 1.0, -1, 0.001, 0.999, 100)
PATH_SHAPE = (3, 4, 5)
LANDING_SHAPES = [(1, 4, 6), (3, 6, 5), (4, 5, 4)]
NULL_CLASSES = (3, 12)
CPU_NAMES = ("cpu", torch.device("cpu"))

PATH_CASES = [*((3, scale) for scale in GUIDANCE_SCALES), (1, 4), (2, 0.5), (4, -1), (5, 1.5)]
"""Number of steps, and guidance scale."""

GUIDANCE_CASES = [(1, 3, (1, 4, 6)), (2, 7, (3, 6, 5)), (3, 10, (4, 5, 4)), (5, 12, (1, 5, 3))]
"""Number of steps, number of classes, and shape of images."""

LANDING_SCALES = (0, 1.5, 100)

CLASS_CASES = list(product((3, 7, 12), (1, 2, 3)))
"""Number of classes, and number of images per class."""

LABEL_FORMS = (torch.tensor([2, 0, 1]), [2, 0, 1], torch.tensor([1]), [1], 2, torch.tensor(2), 0)

WRONG_LABELS = [
    *[4, -1, [0, 4], [0, -1], torch.tensor([-1, 2]), torch.tensor([1, 40])],
    *[1.5, [0.5, 1.5], torch.tensor(2.5), torch.tensor([0.5, 1.5]), [True, False]],
]
"""Labels that do not exist if there are three classes."""


def draw(step, sampler, model, shape=IMAGE_SHAPE, **options):
    """Draw two images per class with a sampler (`sample`: as many), by default in one step."""
    k = model.num_classes
    first = {"sample": 2 * k, "sample_conditional": torch.arange(2 * k) % k, "sample_each_class": 2}
    options = {"num_steps": 1, "num_classes": k, **options}
    return getattr(step, sampler)(model, first[sampler], shape, **options)


def draw_by_default(step, sampler, g):
    """Draw with one of the samplers and all its defaults; return the model and the images."""
    given = {"sample": (2, IMAGE_SHAPE), "sample_conditional": ([9, 0], IMAGE_SHAPE)}
    model = PointMass(images(g, 11, IMAGE_SHAPE if sampler in given else (1, 28, 28)))
    return model, getattr(step, sampler)(model, *given.get(sampler, ()))


def some_labels(num_classes, shape):
    """Return labels out of order, at most as many as an image is wide."""
    return torch.tensor([2, 0, 2, 1, num_classes - 1])[: shape[-1]]


def whole_path(g):
    """Return a model that mixes image, time and label, with noise and labels for five samples."""
    return LabelField(3, 3), images(g, 5, PATH_SHAPE), torch.tensor([1, 0, 2, 2, 1])


def called_by(step, sampler, **options):
    """Draw with one of the samplers, and return the model, which recorded its calls."""
    model = LabelField(3, 3)
    draw(step, sampler, model, **options)
    return model


def of_each_sampler(question):
    """Ask a question about each of the samplers."""

    @wraps(question)
    def asked(step, g):
        return {
            f"{sampler}, {name}": value
            for sampler in SAMPLER_NAMES
            for name, value in question(step, sampler, g).items()
        }

    return asked


@asks("sample")
def sample_lands_on_the_image_of_the_null_class(step, g):
    landed = {}
    for num_steps, shape in product(STEP_COUNTS, LANDING_SHAPES):
        model, noise = PointMass(images(g, 4, shape)), images(g, 6, shape)
        landed[f"{shape} in {num_steps} steps"] = step.sample(
            model, 6, shape, num_steps, num_classes=3, noise=noise
        )
    return landed


rule(sample_lands_on_the_image_of_the_null_class, LANDED.told)


@asks("sample_conditional")
def guidance_lands_where_the_formula_says(step, g):
    landed = {}
    for num_steps, k, shape in GUIDANCE_CASES:
        model, labels = PointMass(images(g, k + 1, shape)), some_labels(k, shape)
        noise = images(g, len(labels), shape)
        for scale in LANDING_SCALES:
            landed[f"{num_steps} steps, w={scale}"] = step.sample_conditional(
                model, labels, shape, num_steps, scale, num_classes=k, noise=noise
            )
    return landed


rule(guidance_lands_where_the_formula_says, LANDED.told)


@asks("sample_conditional")
def the_whole_path_is_eulers(step, g):
    model, noise, labels = whole_path(g)
    return {
        f"{num_steps} steps, w={scale}": step.sample_conditional(
            model, labels, PATH_SHAPE, num_steps, scale, num_classes=3, noise=noise
        )
        for num_steps, scale in PATH_CASES
    }


rule(the_whole_path_is_eulers, LANDED)


@asks("sample")
def the_whole_path_of_sample_is_eulers(step, g):
    model, noise, _ = whole_path(g)
    return {
        f"{num_steps} steps": step.sample(model, 5, PATH_SHAPE, num_steps, 3, noise=noise)
        for num_steps in STEP_COUNTS
    }


rule(the_whole_path_of_sample_is_eulers, LANDED)


@asks("sample_each_class")
@of_each_sampler
def times_go_from_one_to_dt(step, sampler, g):
    return {
        f"{num_steps} steps": torch.tensor(called_by(step, sampler, num_steps=num_steps).times)
        for num_steps in STEP_COUNTS
    }


rule(times_go_from_one_to_dt, CALL_TIMES)


@asks("sample_each_class")
@of_each_sampler
def cost_in_samples_evaluated(step, sampler, g):
    costs = {}
    for scale in COST_SCALES:
        guidance = {} if sampler == "sample" else {"cfg_scale": scale}
        costs[f"w={scale!r}"] = called_by(step, sampler, num_steps=3, **guidance).evaluated
    return costs


rule(cost_in_samples_evaluated, TESTIMONY)


@asks("sample_each_class")
@of_each_sampler
def given_noise_is_the_starting_point(step, sampler, g):
    noise = images(g, 6)
    before = noise.clone()
    starts = called_by(step, sampler, num_steps=2, noise=noise).starts
    return {"starts": starts, "changed": noise - before}


rule(given_noise_is_the_starting_point, TESTIMONY)


@asks("sample_each_class")
@of_each_sampler
def generator_decides_the_result(step, sampler, g):
    return with_generators(lambda own: draw(step, sampler, LabelField(3, 3), generator=own), g)


rule(generator_decides_the_result, REPEATED)


@asks("sample_each_class")
@of_each_sampler
def without_a_generator_the_global_one_is_used(step, sampler, g):
    return with_the_global_one(lambda own: draw(step, sampler, LabelField(3, 3), generator=own))


rule(without_a_generator_the_global_one_is_used, REPEATED)


@asks("sample_conditional")
def labels_as_tensor_list_or_number(step, g):
    model, drawn = LabelField(3, 3), {}
    for labels in LABEL_FORMS:
        before = torch.as_tensor(labels).clone()
        options = {"num_classes": 3, "noise": images(g, before.numel())}
        drawn[f"{labels}"] = step.sample_conditional(
            model, labels, IMAGE_SHAPE, num_steps=2, cfg_scale=1.5, **options
        )
        drawn[f"{labels}: changed"] = torch.as_tensor(labels) - before
    return drawn


rule(labels_as_tensor_list_or_number, LANDED)


@asks("sample_conditional")
def null_class_is_a_label_like_any_other(step, g):
    drawn = {}
    for k in NULL_CLASSES:
        model = LabelField(k, 3)
        options = {"num_steps": 2, "num_classes": k, "noise": images(g, 1)}
        result = tried(partial(step.sample_conditional, model, [k], IMAGE_SHAPE, **options))
        drawn[f"K={k}"] = torch.nan if isinstance(result, int) else result
    return drawn


rule(null_class_is_a_label_like_any_other, LANDED)


@asks("sample_conditional")
def bad_labels_are_refused(step, g):
    model = TableModel(images(g, 4))
    return {
        str(labels): refusal(
            lambda y=labels: step.sample_conditional(model, y, IMAGE_SHAPE, 1, num_classes=3)
        )
        for labels in WRONG_LABELS
    }


rule(bad_labels_are_refused, BAD_LABELS)


@asks("sample_each_class")
@of_each_sampler
def no_steps_are_refused(step, sampler, g):
    return {
        f"{num_steps} steps, noise {noise is not None}": refusal(
            lambda n=num_steps, x=noise: draw(step, sampler, LabelField(3, 3), num_steps=n, noise=x)
        )
        for num_steps, noise in product(TOO_FEW_STEPS, (images(g, 6), None))
    }


rule(no_steps_are_refused, refused(ValueError))


@asks("sample_each_class")
@of_each_sampler
def eval_mode_meanwhile_and_the_old_mode_afterwards(step, sampler, g):
    modes = {}
    for training in (True, False):
        model = Watched(images(g, 4)).train(training)
        draw(step, sampler, model, num_steps=2)
        modes[f"{training}: outside"] = any(model.modes)
        modes[f"{training}: inside"] = any(model.layer_training)
        modes[f"{training}: after"] = torch.tensor([part.training for part in model.modules()])
    return modes


rule(eval_mode_meanwhile_and_the_old_mode_afterwards, TESTIMONY)


@asks("sample_each_class")
@of_each_sampler
def no_graph_is_recorded(step, sampler, g):
    model = Watched(images(g, 4))
    with torch.enable_grad():
        result = draw(step, sampler, model, num_steps=3)
        left = {"autograd": torch.is_grad_enabled()}
    return left | {
        "graphs": any(model.graphs),
        "graph of the result": result.requires_grad,
        "parameters": all(p.requires_grad for p in model.parameters()),
    }


rule(no_graph_is_recorded, TESTIMONY)


@asks("sample")
def sample_works_with_an_unconditional_model(step, g):
    walked = {}
    for k in (10, 3):
        model, (_, noise, _) = Unconditional(), whole_path(g)
        walked[f"K={k}"] = step.sample(model, 5, PATH_SHAPE, 3, num_classes=k, noise=noise)
        walked[f"K={k}: more than x and t"] = model.others
    return walked


@asks("sample")
def device_is_that_of_the_model(step, g):
    source, there = branch(g), False
    state = source.get_state()
    try:
        step.sample(Elsewhere(), 2, IMAGE_SHAPE, 2, generator=source)
    except Called as call:
        there = set(call.args) == {"meta"}
    except NotImplementedError:
        raise
    except RuntimeError as error:
        there = "meta tensor" in str(error)  # the step read a value of a tensor there
    return {"there": there, "drawn from the generator": not torch.equal(state, source.get_state())}


rule(device_is_that_of_the_model, ON_ANY_DEVICE)


@asks("sample_each_class")
@of_each_sampler
def device_by_name(step, sampler, g):
    noise = images(g, 6)
    return {
        f"{device!r}": draw(step, sampler, LabelField(3, 3), device=device, noise=noise)
        for device in CPU_NAMES
    }


rule(device_by_name, Criterion(weight=0.5))


@asks("sample_each_class")
def each_class_in_the_order_of_the_classes(step, g):
    return {
        f"K={k}, n={n}": step.sample_each_class(
            LabelField(k, 3), n, IMAGE_SHAPE, 2, 1.5, num_classes=k, noise=images(g, k * n)
        )
        for k, n in CLASS_CASES
    }


rule(each_class_in_the_order_of_the_classes, LANDED)


@asks("sample_each_class")
def each_class_follows_the_given_noise(step, g):
    options = {"num_steps": 3, "cfg_scale": 4.0, "noise": images(g, 6)}
    return {"images": draw(step, "sample_each_class", LabelField(3, 3), **options)}


rule(each_class_follows_the_given_noise, LANDED)


@asks("sample_each_class")
@of_each_sampler
def defaults(step, sampler, g):
    model, drawn = draw_by_default(step, sampler, g)
    return {"images": drawn, "samples evaluated": model.evaluated}


rule(defaults, LANDED)
