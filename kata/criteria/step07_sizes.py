"""Criteria of step 7 about sizes and dtypes: many steps, images and classes; other numbers."""

import torch

from kata.criteria.questions import asks, images
from kata.criteria.rules import CALL_TIMES, LANDED, TESTIMONY, rule
from kata.criteria.step07 import called_by, draw, of_each_sampler
from kata.testing.models import LabelField, PointMass

MANY_STEPS = (49, 100, 103)
SMALL_SHAPE = (2, 1, 3)

CLASSES_AND_IMAGES = [(26, 12), (3, 100), (300, 1)]
"""Number of classes, and number of images per class."""

LABEL_DTYPES = (torch.int32, torch.int16, torch.int8, torch.uint8, torch.int64)
NOISE_DTYPES = (torch.float64, torch.bfloat16, torch.float32)


def call_times(step, sampler, num_steps):
    """Draw in so many steps, and return the time of every call, in the order of the calls."""
    guidance = {} if sampler == "sample" else {"cfg_scale": 1.0}
    model = called_by(step, sampler, num_steps=num_steps, **guidance)
    return torch.cat([t for _, t, _ in model.calls])


def many_images(step, sampler, g, num_classes, n):
    """Draw n images per class in two steps; return the model, the noise, the labels and images."""
    model, noise = LabelField(num_classes, 2), images(g, num_classes * n, SMALL_SHAPE)
    labels = torch.arange(num_classes).repeat_interleave(n)
    first = {"sample": len(labels), "sample_conditional": labels, "sample_each_class": n}
    result = getattr(step, sampler)(
        model, first[sampler], SMALL_SHAPE, 2, num_classes=num_classes, noise=noise
    )
    labels = torch.full_like(labels, num_classes) if sampler == "sample" else labels
    return model, noise, labels, result


def with_labels_of(step, g, dtype):
    """Draw one image per class with labels of a dtype; return the model and the images."""
    model, labels = PointMass(images(g, 101, SMALL_SHAPE)), torch.tensor([100, 0, 99], dtype=dtype)
    return model, step.sample_conditional(model, labels, SMALL_SHAPE, 2, num_classes=100)


def from_noise_of(step, sampler, g, dtype):
    """Draw from noise of a dtype with a model of that dtype; return model, noise and images."""
    model, noise = LabelField(3, 3, dtype), images(g, 6).to(dtype)
    return model, noise, draw(step, sampler, model, num_steps=2, noise=noise)


@asks("sample_each_class")
@of_each_sampler
def many_steps_are_as_many_evaluations(step, sampler, g):
    return {
        f"{n} steps": call_times(step, sampler, n).sort(descending=True).values
        for n in (MANY_STEPS if sampler == "sample_conditional" else MANY_STEPS[::2])
    }


rule(many_steps_are_as_many_evaluations, CALL_TIMES)


@asks("sample_each_class")
@of_each_sampler
def hundreds_of_images(step, sampler, g):
    return {f"K={k}, n={n}": many_images(step, sampler, g, k, n)[3] for k, n in CLASSES_AND_IMAGES}


rule(hundreds_of_images, LANDED)


@asks("sample_conditional")
def labels_of_any_integer_dtype(step, g):
    return {f"{dtype}": with_labels_of(step, g, dtype)[1] for dtype in LABEL_DTYPES}


rule(labels_of_any_integer_dtype, LANDED.told)


@asks("sample_each_class")
@of_each_sampler
def noise_of_any_dtype_is_used_as_it_is(step, sampler, g):
    used = {}
    for dtype in NOISE_DTYPES:
        model, noise, result = from_noise_of(step, sampler, g, dtype)
        used[f"{dtype}: dtype kept"] = result.dtype == dtype
        used[f"{dtype}: exact"] = torch.equal(model.starts, torch.unique(noise, dim=0))
    return used


rule(noise_of_any_dtype_is_used_as_it_is, TESTIMONY)
