"""Step 0: the path, its velocity, a Gaussian cloud, and the walk back, with points in a plane."""

import pytest
import torch
from hypothesis import given

from kata.criteria.step00 import (
    CLOUDS,
    DIFFERING_SHAPES,
    DTYPES,
    EVERY_CLOUD,
    HALVING_STEPS,
    SIZES,
    STEP_COUNTS,
    TOO_FEW_STEPS,
    WRONG_SHAPES,
    WRONG_STDS,
    Cloud,
    Drift,
    Mass,
    drift,
    ends_of_time,
    points,
    times,
)
from kata.testing.assertions import check_close, check_raises, check_that, unchanged
from kata.testing.bounds import SEEDS, generator


def told(t):
    """Return some times as a text."""
    return str(t.tolist()) if len(t) < 9 else f"{t[:3].tolist()} and so on"


each_size = pytest.mark.parametrize("n", SIZES)
each_cloud = pytest.mark.parametrize(("mean", "std"), EVERY_CLOUD)
each_step_count = pytest.mark.parametrize("num_steps", STEP_COUNTS)


def test_point_on_path_changes_no_input(step):
    """Both ends and the times stay as they are."""
    x0, x1, t = points(generator(1), 3), points(generator(2), 3), times(generator(3), 3)
    with unchanged("point_on_path(x0, x1, t)", x0=x0, x1=x1, t=t):
        step.point_on_path(x0, x1, t)


def test_path_velocity_changes_no_input(step):
    """Both ends stay as they are."""
    x0, x1 = points(generator(1), 3), points(generator(2), 3)
    with unchanged("path_velocity(x0, x1)", x0=x0, x1=x1):
        step.path_velocity(x0, x1)


def test_gaussian_velocity_changes_no_input(step):
    """The points, the times and the mean stay as they are."""
    x, t, mean = points(generator(1), 3), times(generator(2), 3), points(generator(3), 1)[0]
    with unchanged("gaussian_velocity(x, t, mean, 0.35)", x=x, t=t, mean=mean):
        step.gaussian_velocity(x, t, mean, 0.35)


def test_walk_back_does_not_change_its_start(step):
    """The noise x1 stays as it is, so that a second walk can begin there."""
    x1 = points(generator(1), 3)
    with unchanged("walk_back(velocity, x1, 4)", x1=x1):
        step.walk_back(drift(generator(2)), x1, 4)


@given(seed=SEEDS)
def test_path_leads_from_data_to_noise(step, seed):
    """At t = 0 the path is at the data, and at t = 1 at the noise."""
    g = generator(seed)
    x0, x1 = points(g, 3), points(g, 3)
    for t, name, end in zip(ends_of_time(3), ("data x0", "noise x1"), (x0, x1), strict=True):
        check_close(
            step.point_on_path(x0, x1, t),
            end,
            called=f"point_on_path(x0, x1, t) with all times {t[0]:g}",
            must=f"at t = {t[0]:g} the path is at the {name}",
            hint="(1 - t) belongs to the data and t to the noise",
            tolerance=1e-9,
        )


@each_size
@given(seed=SEEDS)
def test_every_point_has_its_own_time(step, n, seed):
    """Point i is at (1 - t_i) x0_i + t_i x1_i, also for two points with their two coordinates."""
    g = generator(seed)
    x0, x1, t = points(g, n), points(g, n), times(g, n)
    rows = [(1 - float(t[i])) * x0[i] + float(t[i]) * x1[i] for i in range(n)]
    check_close(
        step.point_on_path(x0, x1, t),
        torch.stack(rows),
        called=f"point_on_path(x0, x1, t) on {n} points with the times {told(t)}",
        must="point i is at (1 - t[i]) x0[i] + t[i] x1[i]",
        hint="give t the shape (N, 1) before you multiply",
        tolerance=1e-9,
    )


@each_size
@given(seed=SEEDS)
def test_velocity_leads_from_data_to_noise(step, n, seed):
    """The velocity is x1 - x0: in one unit of time it leads from the data to the noise."""
    g = generator(seed)
    x0, x1 = points(g, n), points(g, n)
    check_close(
        step.path_velocity(x0, x1),
        x1 - x0,
        called=f"path_velocity(x0, x1) on {n} points",
        must="x_t moves by x1 - x0 while t goes from 0 to 1",
        hint="take the derivative of (1 - t) x0 + t x1 in t",
        tolerance=1e-9,
    )


@each_cloud
@given(seed=SEEDS)
def test_gaussian_velocity_at_both_ends(step, mean, std, seed):
    """It is -x at t = 0 and x - mean at t = 1, whatever the standard deviation."""
    x, at = points(generator(seed), 3), torch.tensor(mean, dtype=torch.float64)
    for t, name, end in zip(ends_of_time(3), ("-x", "x - mean"), (-x, x - at), strict=True):
        check_close(
            step.gaussian_velocity(x, t, at, std),
            end,
            called=f"gaussian_velocity(x, t, mean, {std}) with all times {t[0]:g}",
            must=f"at t = {t[0]:g} the velocity is {name}",
            hint="put this t into D and into the formula: which terms remain?",
            tolerance=1e-9,
        )


@each_size
@each_cloud
@given(seed=SEEDS)
def test_gaussian_velocity_is_expected_noise_less_expected_data(step, n, mean, std, seed):
    """It is E[x1 | x_t] - E[x0 | x_t] for each point at its own time, for any mean and spread."""
    g = generator(seed)
    x, t = points(g, n), times(g, n)
    at = torch.tensor(mean, dtype=torch.float64)
    check_close(
        step.gaussian_velocity(x, t, at, std),
        torch.cat([Cloud(mean, std)(x[i : i + 1], t[i : i + 1]) for i in range(n)]),
        called=f"gaussian_velocity(x, t, {mean}, {std}) on {n} points with the times {told(t)}",
        must="-mean + (t - (1 - t) std²) (x - (1 - t) mean) / D, D = (1 - t)² std² + t²",
        hint="give t the shape (N, 1); look at the squares, the signs, and where (1 - t) stands",
        tolerance=1e-9,
    )


@each_step_count
@given(seed=SEEDS)
def test_constant_velocity_is_walked_once(step, num_steps, seed):
    """If the velocity is v everywhere, the walk ends at x1 - v after any number of steps."""
    g = generator(seed)
    v, x1 = points(g, 1)[0], points(g, 3)
    check_close(
        step.walk_back(Drift(0.0, 0.0, v), x1, num_steps),
        x1 - v,
        called=f"walk_back(velocity, x1, {num_steps}) with the same velocity v everywhere",
        must="all steps together take one unit of time, against the velocity: x1 - v",
        hint="there are num_steps steps, each subtracts v / num_steps",
        tolerance=1e-9,
    )


@each_step_count
@given(seed=SEEDS)
def test_point_mass_is_reached_exactly(step, num_steps, seed):
    """If all data is the one point mu, the walk ends at mu after any number of steps."""
    g = generator(seed)
    mu, x1 = points(g, 1)[0], points(g, 3)
    check_close(
        step.walk_back(Mass(mu), x1, num_steps),
        mu.expand(3, 2),
        called=f"walk_back(velocity, x1, {num_steps}) with the velocity (x - mu) / t",
        must="these paths are straight lines to mu, and Euler's method lands on mu",
        hint="evaluate the velocity where a step begins: at t = 1, 1 - dt, ..., dt",
    )


@each_step_count
def test_velocity_is_evaluated_at_one_to_dt(step, num_steps):
    """There is one evaluation per step, at 1, 1 - dt, ..., dt, with one time per point."""
    velocity = drift(generator(1))
    step.walk_back(velocity, points(generator(2), 3), num_steps)
    called = f"walk_back(velocity, x1, {num_steps}) on 3 points"
    check_that(
        len(velocity.calls) == num_steps,
        called=called,
        got=f"evaluated the velocity {len(velocity.calls)} times; expected {num_steps}",
        must="each of the steps evaluates the velocity once",
        hint="range(num_steps) counts the steps from 0",
    )
    for i, (_, t) in enumerate(velocity.calls):
        check_close(
            t,
            torch.full((3,), 1 - i / num_steps, dtype=torch.float64),
            called=f"{called}, and looked at the t that the velocity got in step {i}, counted from 0",
            must=f"the times are 1, 1 - dt, ..., dt, with dt = 1/{num_steps}, one per point: (3,)",
            hint="torch.full((N,), 1 - i / num_steps, dtype=x1.dtype) is the time of step i",
            tolerance=1e-6,
        )


@each_step_count
def test_each_step_starts_where_the_last_one_ended(step, num_steps):
    """Step i evaluates the velocity at x and moves to x - dt v, from where step i + 1 goes on."""
    g = generator(3)
    velocity, x1 = drift(g), points(g, 3)
    end = step.walk_back(velocity, x1, num_steps)
    called = f"walk_back(velocity, x1, {num_steps}) with the velocity 0.6 x - 2 t + c"
    stops = [*(x for x, _ in velocity.calls), end]
    check_close(
        stops[0],
        x1,
        called=f"{called}, and looked at the points of the first evaluation",
        must="the walk begins at x1",
        hint="the first step evaluates the velocity at x1, at t = 1",
    )
    for i, call in enumerate(velocity.calls):
        check_close(
            stops[i + 1],
            stops[i] - velocity.at(*call) / num_steps,
            called=f"{called}, and looked where step {i}, counted from 0, led",
            must="every step goes from x to x - dt v, and the next one goes on from there",
            hint="hand the present x to the velocity; return x after the last step",
            tolerance=1e-9,
        )


def test_fifty_steps_by_default(step):
    """Without a number of steps the walk takes 50."""
    velocity = drift(generator(4))
    step.walk_back(velocity, points(generator(5), 2))
    check_that(
        len(velocity.calls) == 50,
        called="walk_back(velocity, x1)",
        got=f"took {len(velocity.calls)} steps; expected 50",
        must="num_steps is 50 by default",
        hint="leave the default in the signature as it is",
    )


@given(seed=SEEDS)
def test_twice_the_steps_halve_the_error(step, seed):
    """On a Gaussian cloud the walk nears mean + std x1, and half the dt leaves half the error."""
    x1, (mean, std) = points(generator(seed), 3), CLOUDS[1]
    exact = torch.tensor(mean, dtype=torch.float64) + std * x1
    coarse, fine = (
        float((step.walk_back(Cloud(mean, std), x1, n) - exact).norm()) for n in HALVING_STEPS
    )
    check_that(
        0.4 < fine / coarse < 0.6,
        called="walk_back on the velocity of a Gaussian cloud, in {} and in {} steps".format(
            *HALVING_STEPS
        ),
        got=f"missed mean + std x1 by {coarse:.4g} and by {fine:.4g}",
        must="Euler's method is of first order: twice the steps, half the error",
        hint="one evaluation per step, at the time at which the step begins",
    )


@pytest.mark.parametrize(("mean", "std"), CLOUDS)
def test_noise_becomes_the_cloud(step, mean, std):
    """Your velocity of a Gaussian cloud, walked in small steps, takes x1 to mean + std x1."""
    x1, at = points(generator(10), 4), torch.tensor(mean, dtype=torch.float64)
    check_close(
        step.walk_back(lambda x, t: step.gaussian_velocity(x, t, at, std), x1, 400),
        at + std * x1,
        called=f"walk_back in 400 steps on your gaussian_velocity, mean {mean}, std {std}",
        must="the walk turns standard noise x1 into mean + std x1",
        hint="the tests above say which of the two functions is wrong",
        tolerance=0.02,
    )


@pytest.mark.parametrize("other", DTYPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_of_the_data_is_kept_on_the_path(step, dtype, other):
    """The points are of the dtype of x0, whatever that of t."""
    g = generator(6)
    x0, x1, t = points(g, 3, dtype), points(g, 3, dtype), times(g, 3, other)
    expected = (1 - t.double())[:, None] * x0.double() + t.double()[:, None] * x1.double()
    check_close(
        step.point_on_path(x0, x1, t),
        expected.to(dtype),
        called=f"point_on_path on points of {dtype} with times of {other}",
        must="the result has the dtype of x0",
        hint="bring t to it: t.to(x0.dtype)",
        tolerance=4 * torch.finfo(dtype).eps,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_of_the_velocity_is_that_of_the_ends(step, dtype):
    """The velocity is of the dtype of x0 and x1."""
    g = generator(11)
    x0, x1 = points(g, 3, dtype), points(g, 3, dtype)
    check_close(
        step.path_velocity(x0, x1),
        x1 - x0,
        called=f"path_velocity on points of {dtype}",
        must="the result has the dtype of the points",
        hint="convert nothing",
    )


@pytest.mark.parametrize("other", DTYPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_of_the_points_is_kept(step, dtype, other):
    """The velocity is of the dtype of x, whatever those of t and of the mean."""
    g = generator(7)
    x, t, (mean, std) = points(g, 3, dtype), times(g, 3, other), CLOUDS[1]
    check_close(
        step.gaussian_velocity(x, t, torch.tensor(mean, dtype=other), std),
        Cloud(mean, std)(x.double(), t.double()).to(dtype),
        called=f"gaussian_velocity on points of {dtype} with times and a mean of {other}",
        must="the result has the dtype of x",
        hint="bring t and mean to it: t.to(x.dtype), mean.to(x.dtype)",
        tolerance=1e-5 if torch.float32 in (dtype, other) else 1e-9,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_of_the_start_is_kept(step, dtype):
    """The times that the velocity gets, and the end of the walk, are of the dtype of x1."""
    velocity = drift(generator(8))
    end = step.walk_back(velocity, points(generator(9), 3, dtype), 4)
    seen = [end.dtype, *(value.dtype for call in velocity.calls for value in call)]
    check_that(
        set(seen) == {dtype},
        called=f"walk_back(velocity, x1, 4) with x1 of {dtype}",
        got=f"used or returned {', '.join(sorted({str(s) for s in seen if s != dtype}))}",
        must="points and times keep the dtype of x1",
        hint="torch.full has an argument dtype",
    )


@pytest.mark.parametrize("shapes", WRONG_SHAPES)
def test_shapes_that_do_not_fit_are_refused(step, shapes):
    """Ends of two shapes, or times that are not one per point, raise ValueError."""
    check_raises(
        ValueError,
        lambda: step.point_on_path(*(torch.ones(shape) for shape in shapes)),
        called="point_on_path with x0, x1 and t of the shapes {}, {} and {}".format(*shapes),
        must="x0 and x1 have one shape (N, 2) and t has the shape (N,)",
        hint="compare the shapes and raise before torch broadcasts anything",
    )


@pytest.mark.parametrize("shapes", DIFFERING_SHAPES)
def test_path_velocity_refuses_shapes_that_differ(step, shapes):
    """Ends of two shapes raise ValueError."""
    check_raises(
        ValueError,
        lambda: step.path_velocity(*(torch.ones(shape) for shape in shapes)),
        called="path_velocity with x0 and x1 of the shapes {} and {}".format(*shapes),
        must="every data point has its own noise point",
        hint="compare the shapes and raise before torch broadcasts anything",
    )


@pytest.mark.parametrize("std", WRONG_STDS)
def test_std_that_is_not_positive_is_refused(step, std):
    """A standard deviation of 0, below 0, infinite or NaN raises ValueError."""
    x, t, mean = points(generator(1), 3), times(generator(2), 3), points(generator(3), 1)[0]
    check_raises(
        ValueError,
        lambda: step.gaussian_velocity(x, t, mean, std),
        called=f"gaussian_velocity(x, t, mean, {std})",
        must="a standard deviation is a finite number above 0",
        hint="math.inf and math.nan exist; every comparison with NaN is false",
    )


@pytest.mark.parametrize("num_steps", TOO_FEW_STEPS)
def test_fewer_than_one_step_is_refused(step, num_steps):
    """A walk of 0 steps, or of fewer, raises ValueError."""
    check_raises(
        ValueError,
        lambda: step.walk_back(drift(generator(1)), points(generator(2), 3), num_steps),
        called=f"walk_back(velocity, x1, {num_steps})",
        must="a walk has at least one step",
        hint="check num_steps before the loop",
    )
