"""More criteria of step 9: states of the caller, laws, noise, dtypes, devices and refusals."""

from itertools import product

import torch

from kata.criteria.questions import (
    IMAGE_SHAPE,
    LAYER_MODES,
    NOISE_SHAPE,
    PLACES,
    THERE,
    asks,
    devices_met,
    images,
    noise_counts,
    refusal,
    traces_from,
)
from kata.criteria.rules import (
    LANDED,
    ON_ANY_DEVICE,
    TESTIMONY,
    Criterion,
    close,
    counts,
    refused,
    rule,
)
from kata.criteria.step09 import draw_modes, rows
from kata.testing.bounds import noise_shares
from kata.testing.models import GaussianWorld, LabelField, PointMass

STATES = list(product(LAYER_MODES, (True, False)))
"""Modes of model and layers, and whether autograd is on."""

DTYPES = (torch.float64, torch.float16, torch.bfloat16)

NOISE_PIXELS = NOISE_SHAPE[0] * NOISE_SHAPE[1] * NOISE_SHAPE[2]


def started(step):
    """Draw 300 samples per mode without noise, and return the model, which has seen them."""
    model = LabelField(3, 3)
    step.compare_modes(model, 1, 300, 1.0, NOISE_SHAPE, num_steps=1, num_classes=3)
    return model


def world_of(g):
    """Return a Gaussian world of three classes of one spread, 0.5, which the null class has too."""
    return GaussianWorld(images(g, 4), torch.full((4,), 0.5))


def mirrored(g):
    """Return two noises, z and -z, of ones and minus ones: mean 0 and deviation 1 exactly."""
    z = torch.randint(2, (1, *IMAGE_SHAPE), generator=g) * 2.0 - 1
    return torch.cat([z, -z])


def in_a_world(step, world, noise, num_steps=100):
    """Draw class 2 with scale 3 from two noises."""
    return step.compare_modes(world, 2, 2, 3.0, IMAGE_SHAPE, num_steps, 3, noise=noise)


def drawn_twice(step, g):
    """Draw twice with the same arguments; meanwhile the weights of the model change sign."""
    model, noise = PointMass(images(g, 4)), images(g, 4)
    first = draw_modes(step, model, noise=noise)
    with torch.no_grad():
        model.mu.neg_()
    return model, first, draw_modes(step, model, noise=noise)


def typed(step, g, dtype):
    """Draw with model and noise of a dtype; return model, noise and result."""
    model, noise = LabelField(3, 3).to(dtype), images(g, 4).to(dtype)
    return model, noise, draw_modes(step, model, noise=noise, num_steps=2)


@asks("compare_modes")
def model_is_left_as_it_was_found(step, g):
    return {
        f"{mode}, autograd {autograd}: {name}": value
        for mode, autograd in STATES
        for name, value in traces_from(
            lambda model: rows(draw_modes(step, model, num_steps=2)),
            LabelField(3, 3),
            mode,
            autograd,
        ).items()
    }


rule(model_is_left_as_it_was_found, TESTIMONY)


@asks("compare_modes")
def second_call_sees_new_weights(step, g):
    _, first, second = drawn_twice(step, g)
    return {"first": rows(first), "second": rows(second)}


rule(second_call_sees_new_weights, LANDED.told)


@asks("compare_modes")
def noise_is_standard_normal(step, g):
    return noise_counts(started(step).starts)


rule(noise_is_standard_normal, counts(**noise_shares(300, NOISE_PIXELS)))


@asks("compare_modes")
def means_and_spreads_are_those_of_the_law(step, g):
    drawn = rows(in_a_world(step, world_of(g), mirrored(g), 20))
    return {"means": drawn.mean(1), "deviations": (drawn[:, 0] - drawn[:, 1]).abs() / 2}


rule(means_and_spreads_are_those_of_the_law, LANDED)


@asks("compare_modes")
def dtype_of_the_noise_is_kept(step, g):
    kept = {}
    for dtype in DTYPES:
        drawn = rows(typed(step, g, dtype)[2])
        kept |= {f"{dtype}": drawn.double(), f"{dtype} kept": drawn.dtype == dtype}
    return kept


rule(dtype_of_the_noise_is_kept, Criterion(close(0.05)))


@asks("compare_modes")
def device_is_passed_on(step, g):
    return {
        f"{home}, device={device}": devices_met(
            lambda m, device=device: rows(draw_modes(step, m, device=device)), home
        )
        == [THERE]
        for home, device in PLACES
    }


rule(device_is_passed_on, ON_ANY_DEVICE)


@asks("compare_modes")
def num_steps_below_1_is_refused(step, g):
    return {
        f"{n}": refusal(lambda n=n: draw_modes(step, LabelField(3, 3), num_steps=n))
        for n in (0, -1)
    }


rule(num_steps_below_1_is_refused, refused(ValueError))
