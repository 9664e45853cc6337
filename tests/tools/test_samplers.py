"""Samplers beyond the document, held against closed forms."""

import math

import pytest
import torch

from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.testing.closed_forms import aim
from kata.testing.closed_forms import guided_euler as euler_of_stand_ins
from kata.testing.models import LabelField, PointMass
from kata.train.pipeline import Sampling
from kata.train.samplers import ALL_TIMES, SOLVERS, euler, guided, heun

NULL = 3
LABELS = torch.tensor([2, 0, 1, 2, NULL])


@pytest.fixture(scope="module")
def guided_velocity():
    return Implementation("solutions").module(step_by_number(3)).guided_velocity


@pytest.fixture
def noise():
    return torch.randn(5, 1, 2, 3, dtype=torch.float64)


@pytest.mark.parametrize("num_steps", [1, 2, 5])
@pytest.mark.parametrize("scale", [0, 0.5, 1, 4.0])
@pytest.mark.parametrize("sampler", SOLVERS)
def test_both_land_on_the_point(guided_velocity, noise, sampler, scale, num_steps):
    """The path to a point mass is straight: any number of steps ends on mu_u + w (mu_c - mu_u)."""
    model = PointMass(torch.randn(NULL + 1, 1, 2, 3, dtype=torch.float64))
    velocity = guided(guided_velocity, model, LABELS, scale, NULL)
    found = SOLVERS[sampler](velocity, noise, num_steps)
    assert (found - aim(model, LABELS, scale)).abs().max() < 1e-9


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2)])
@pytest.mark.parametrize(
    ("velocity", "end"),
    [
        (lambda x, t: -1.5 * x, lambda x: math.exp(1.5) * x),
        (lambda x, t: x + t, lambda x: (x + 2) / math.e - 1),
        (lambda x, t: 3 * t**2 + 0 * x, lambda x: x - 1),
    ],
    ids=["dx/dt = -1.5 x", "dx/dt = x + t", "dx/dt = 3 t²"],
)
def test_order(noise, sampler, order, velocity, end):
    """Twice the steps leave a half (Euler) or a quarter (Heun) of the error, on linear equations
    solved by hand.
    """
    errors = [
        (sampler(velocity, noise, num_steps) - end(noise)).abs().max().item()
        for num_steps in (64, 128)
    ]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.05)


@pytest.mark.parametrize("interval", [ALL_TIMES, (0.2, 0.8), (0.5, 0.5), (0.99, 1.0)])
@pytest.mark.parametrize("scale", [0, 1, 4.0])
@pytest.mark.parametrize("sampler", SOLVERS)
def test_what_it_costs(guided_velocity, noise, sampler, scale, interval):
    """A step of Euler's evaluates a sample once, of Heun's twice, twice that under guidance; as
    was foretold.
    """
    model = LabelField(NULL, channels=1, dtype=torch.float64)
    SOLVERS[sampler](guided(guided_velocity, model, LABELS, scale, NULL, interval), noise, 10)
    assert model.evaluated == len(noise) * Sampling(sampler, 10, interval).cost(scale)
    if interval == ALL_TIMES:
        per_step = {"euler": 1, "heun": 2}[sampler] * (1 if scale in (0, 1) else 2)
        assert model.evaluated == len(noise) * 10 * per_step


def test_euler_is_the_documents(guided_velocity, noise):
    """Where guidance acts at all times, it follows the plain Euler path."""
    model = LabelField(NULL, channels=1, dtype=torch.float64)
    found = euler(guided(guided_velocity, model, LABELS, 4.0, NULL), noise, 7)
    assert (found - euler_of_stand_ins(model, noise, LABELS, 4.0, 7)).abs().max() < 1e-12


def test_guidance_acts_within_the_interval_alone(guided_velocity, noise):
    """Null labels are asked for at the times in the closed interval, the others' alone
    elsewhere.
    """
    model = LabelField(10, channels=1, dtype=torch.float64)
    labels = torch.tensor([2, 0, 1, 2, 7])
    euler(guided(guided_velocity, model, labels, 4.0, 10, (0.2, 0.8)), noise, 10)
    with_null = {round(float(t[0]), 6) for _, t, y in model.calls if (y == 10).any()}
    assert with_null == {0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2}
    assert model.times == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]


@pytest.mark.parametrize("sampler", SOLVERS)
def test_outside_the_interval_it_is_conditional(guided_velocity, noise, sampler):
    """An interval that no step falls into gives what w = 1 gives, and the whole of time what w
    alone gives.
    """
    model = LabelField(NULL, channels=1, dtype=torch.float64)

    def drawn(scale, interval):
        velocity = guided(guided_velocity, model, LABELS, scale, NULL, interval)
        return SOLVERS[sampler](velocity, noise, 4)

    assert torch.equal(drawn(4.0, (0.3, 0.4)), drawn(1, ALL_TIMES))
    assert torch.equal(drawn(4.0, (0.0, 1.0)), drawn(4.0, ALL_TIMES))
    assert not torch.equal(drawn(4.0, (0.5, 1.0)), drawn(4.0, ALL_TIMES))


@pytest.mark.parametrize("sampler", SOLVERS)
def test_the_data_end_is_never_asked_about(sampler):
    """At t = 0 the noise cannot be seen any more: no method evaluates there, all of them begin
    at 1.
    """
    times = []

    def velocity(x, t):
        times.append(t)
        return x

    SOLVERS[sampler](velocity, torch.zeros(1), 3)
    assert times[0] == 1
    assert min(times) > 0


@pytest.mark.parametrize("sampler", SOLVERS)
def test_no_step_is_refused(sampler):
    with pytest.raises(ValueError, match="at least 1"):
        SOLVERS[sampler](lambda x, t: x, torch.zeros(1), 0)
