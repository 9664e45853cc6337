"""Step 0: the path, its velocity, the exact velocity of a Gaussian cloud, and the walk back."""

import math

import torch

from kata.criteria.questions import asks, tried
from kata.criteria.rules import TESTIMONY, Criterion, close, refused, rule

SIZES = (1, 2, 3, 300)
"""Numbers of points; for 2 of them, a time per point can be mistaken for one per coordinate."""

CLOUDS = (((0.0, 0.0), 1.0), ((-1.5, 0.6), 0.35), ((2.0, -3.0), 1.6), ((0.5, 40.0), 3))
"""Mean and standard deviation of Gaussian clouds; one deviation is an int."""

EVERY_CLOUD = (*CLOUDS, ((1.0, -2.0), 0.01), ((-2.0, 1.0), 25.0))
"""Also a cloud that is nearly a point, and one far wider than the noise."""

STEP_COUNTS = (1, 2, 3, 7, 50, 120)
TOO_FEW_STEPS = (0, -3)

DTYPES = (torch.float32, torch.float64)

WRONG_STDS = (0, 0.0, -0.5, math.inf, -math.inf, math.nan)

WRONG_SHAPES = (
    *(((3, 2), (1, 2), (3,)), ((1, 2), (3, 2), (3,)), ((3, 2), (2,), (3,))),
    *(((3, 2), (3, 2), (1,)), ((3, 2), (3, 2), (2,)), ((3, 2), (3, 2), ())),
    *(((3, 2), (3, 2), (3, 1)), ((2, 2), (2, 2), (1, 2)), ((2, 2), (2, 2), (2, 2))),
)
"""Shapes of x0, x1 and t that do not fit."""

DIFFERING_SHAPES = (((3, 2), (1, 2)), ((1, 2), (3, 2)), ((3, 2), (2,)), ((3, 2), (2, 3)))
"""Shapes of x0 and x1 that differ."""

HALVING_STEPS = (40, 80)
"""Numbers of steps, the second twice the first."""

GRID = 16.0
"""One over a power of two, so that the times of so many steps are exact."""


def points(g, count, dtype=torch.float64):
    """Draw points `(count, 2)`, most of them outside of the unit circle."""
    return (3 * torch.randn(count, 2, generator=g, dtype=torch.float64)).to(dtype)


def times(g, count, dtype=torch.float64):
    """Draw a time for each of so many points, multiples of 1/16 between 0 and 1: `(count,)`."""
    return (torch.randint(1, int(GRID), (count,), generator=g) / GRID).to(dtype)


def ends_of_time(count):
    """Return two batches of times: all 0, and all 1."""
    return torch.zeros(count, dtype=torch.float64), torch.ones(count, dtype=torch.float64)


class Drift:
    """A velocity a x + b t + c, with c `(2,)`, that records the points and times of all calls."""

    def __init__(self, a, b, c):
        self.a, self.b, self.c = a, b, c
        self.calls = []

    def __call__(self, x, t):
        self.calls.append((x.clone(), torch.as_tensor(t).clone()))
        return self.at(*self.calls[-1])

    def at(self, x, t):
        """Return the velocity without recording a call."""
        return self.a * x + self.b * t.reshape(-1, 1) + self.c.to(x)


def drift(g):
    """Return a velocity that depends on place, time and coordinate."""
    return Drift(0.6, -2.0, points(g, 1)[0])


class Mass:
    """The exact velocity if all data is one point: (x - mu) / t."""

    def __init__(self, mu):
        self.mu = mu

    def __call__(self, x, t):
        return (x - self.mu) / torch.as_tensor(t).reshape(-1, 1)


class Cloud:
    """The exact velocity of N(mean, std² I), by way of what is expected of data and noise."""

    def __init__(self, mean, std):
        self.mean, self.std = torch.tensor(mean, dtype=torch.float64), std

    def __call__(self, x, t):
        t = torch.as_tensor(t).reshape(-1, 1)
        rest = (x - (1 - t) * self.mean) / ((1 - t).square() * self.std**2 + t.square())
        return t * rest - (self.mean + (1 - t) * self.std**2 * rest)


@asks("point_on_path")
def point_on_path_changes_no_input(step, g):
    x0, x1, t = points(g, 3), points(g, 3), times(g, 3)
    step.point_on_path(x0, x1, t)
    return {"x0": x0, "x1": x1, "t": t}


rule(point_on_path_changes_no_input, TESTIMONY)


@asks("path_velocity")
def path_velocity_changes_no_input(step, g):
    x0, x1 = points(g, 3), points(g, 3)
    step.path_velocity(x0, x1)
    return {"x0": x0, "x1": x1}


rule(path_velocity_changes_no_input, TESTIMONY)


@asks("gaussian_velocity")
def gaussian_velocity_changes_no_input(step, g):
    x, t, mean = points(g, 3), times(g, 3), points(g, 1)[0]
    step.gaussian_velocity(x, t, mean, 0.35)
    return {"x": x, "t": t, "mean": mean}


rule(gaussian_velocity_changes_no_input, TESTIMONY)


@asks("walk_back")
def walk_back_does_not_change_its_start(step, g):
    x1 = points(g, 3)
    step.walk_back(drift(g), x1, 4)
    return {"x1": x1}


rule(walk_back_does_not_change_its_start, TESTIMONY)


@asks("point_on_path")
def path_leads_from_data_to_noise(step, g):
    x0, x1 = points(g, 3), points(g, 3)
    data, noise = ends_of_time(3)
    return {"t=0": step.point_on_path(x0, x1, data), "t=1": step.point_on_path(x0, x1, noise)}


TO_ROUNDING = Criterion(close(1e-9))
"""What doubles give, whatever the order of the sums."""


rule(path_leads_from_data_to_noise, TO_ROUNDING)


@asks("point_on_path")
def every_point_has_its_own_time(step, g):
    return {
        f"N={n}": tried(
            lambda n=n: step.point_on_path(points(g, n), points(g, n), times(g, n))  #
        )
        for n in SIZES
    }


rule(every_point_has_its_own_time, TO_ROUNDING)


@asks("path_velocity")
def velocity_leads_from_data_to_noise(step, g):
    return {f"N={n}": step.path_velocity(points(g, n), points(g, n)) for n in SIZES}


rule(velocity_leads_from_data_to_noise, TO_ROUNDING)


@asks("gaussian_velocity")
def gaussian_velocity_at_both_ends(step, g):
    answers = {}
    for mean, std in EVERY_CLOUD:
        for t in ends_of_time(3):
            x, at = points(g, 3), torch.tensor(mean, dtype=torch.float64)
            answers[f"{mean}, {std}, t={t[0]}"] = step.gaussian_velocity(x, t, at, std)
    return answers


rule(gaussian_velocity_at_both_ends, TO_ROUNDING)


@asks("gaussian_velocity")
def gaussian_velocity_is_expected_noise_less_expected_data(step, g):
    answers = {}
    for mean, std in EVERY_CLOUD:
        for n in SIZES:
            inputs = points(g, n), times(g, n), torch.tensor(mean, dtype=torch.float64), std
            answers[f"{mean}, {std}, N={n}"] = tried(
                lambda inputs=inputs: step.gaussian_velocity(*inputs)
            )
    return answers


rule(gaussian_velocity_is_expected_noise_less_expected_data, TO_ROUNDING)


@asks("walk_back")
def constant_velocity_is_walked_once(step, g):
    answers = {}
    for num_steps in STEP_COUNTS:
        velocity = Drift(0.0, 0.0, points(g, 1)[0])
        answers[f"{num_steps} steps"] = step.walk_back(velocity, points(g, 3), num_steps)
    return answers


rule(constant_velocity_is_walked_once, TO_ROUNDING)


@asks("walk_back")
def point_mass_is_reached_exactly(step, g):
    return {
        f"{num_steps} steps": step.walk_back(Mass(points(g, 1)[0]), points(g, 3), num_steps)
        for num_steps in STEP_COUNTS
    }


@asks("walk_back")
def velocity_is_evaluated_at_one_to_dt(step, g):
    answers = {}
    for num_steps in STEP_COUNTS:
        velocity = drift(g)
        step.walk_back(velocity, points(g, 3), num_steps)
        answers[f"{num_steps} steps"] = torch.stack([t for _, t in velocity.calls])
    return answers


rule(velocity_is_evaluated_at_one_to_dt, TESTIMONY)


@asks("walk_back")
def each_step_starts_where_the_last_one_ended(step, g):
    answers = {}
    for num_steps in STEP_COUNTS:
        velocity = drift(g)
        answers[f"{num_steps} steps"] = step.walk_back(velocity, points(g, 3), num_steps)
        answers[f"{num_steps} steps: visited"] = torch.stack([x for x, _ in velocity.calls])
    return answers


@asks("walk_back")
def fifty_steps_by_default(step, g):
    velocity = drift(g)
    return {"end": step.walk_back(velocity, points(g, 2)), "calls": len(velocity.calls)}


@asks("walk_back")
def twice_the_steps_halve_the_error(step, g):
    x1 = points(g, 3)
    cloud = Cloud(*CLOUDS[1])
    return {str(n): step.walk_back(cloud, x1, n) for n in HALVING_STEPS}


@asks("walk_back")
def noise_becomes_the_cloud(step, g):
    answers = {}
    for mean, std in CLOUDS:
        at = torch.tensor(mean, dtype=torch.float64)

        def velocity(x, t, at=at, std=std):
            return step.gaussian_velocity(x, t, at, std)

        answers[f"{mean}, {std}"] = step.walk_back(velocity, points(g, 4), 400)
    return answers


@asks("point_on_path")
def dtype_of_the_data_is_kept_on_the_path(step, g):
    return {
        f"{dtype}, t of {other}": step.point_on_path(
            points(g, 3, dtype), points(g, 3, dtype), times(g, 3, other)
        )
        for dtype in DTYPES
        for other in DTYPES
    }


@asks("path_velocity")
def dtype_of_the_velocity_is_that_of_the_ends(step, g):
    return {
        f"{dtype}": step.path_velocity(points(g, 3, dtype), points(g, 3, dtype)) for dtype in DTYPES
    }


@asks("gaussian_velocity")
def dtype_of_the_points_is_kept(step, g):
    return {
        f"{dtype}, the rest of {other}": step.gaussian_velocity(
            points(g, 3, dtype), times(g, 3, other), points(g, 1, other)[0], 0.35
        )
        for dtype in DTYPES
        for other in DTYPES
    }


@asks("walk_back")
def dtype_of_the_start_is_kept(step, g):
    answers = {}
    for dtype in DTYPES:
        velocity = drift(g)
        answers[f"{dtype}"] = step.walk_back(velocity, points(g, 3, dtype), 4)
        answers[f"{dtype}: times"] = velocity.calls[0][1]
    return answers


@asks("point_on_path")
def shapes_that_do_not_fit_are_refused(step, g):
    return {
        f"{shapes}": tried(
            lambda shapes=shapes: step.point_on_path(*(torch.ones(shape) for shape in shapes))
        )
        for shapes in WRONG_SHAPES
    }


rule(shapes_that_do_not_fit_are_refused, refused(ValueError))


@asks("path_velocity")
def path_velocity_refuses_shapes_that_differ(step, g):
    return {
        f"{x0}, {x1}": tried(
            lambda x0=x0, x1=x1: step.path_velocity(torch.ones(x0), torch.ones(x1))
        )
        for x0, x1 in DIFFERING_SHAPES
    }


rule(path_velocity_refuses_shapes_that_differ, refused(ValueError))


@asks("gaussian_velocity")
def std_that_is_not_positive_is_refused(step, g):
    x, t, mean = points(g, 3), times(g, 3), points(g, 1)[0]
    return {
        f"std={std}": tried(lambda std=std: step.gaussian_velocity(x, t, mean, std))
        for std in WRONG_STDS
    }


rule(std_that_is_not_positive_is_refused, refused(ValueError))


@asks("walk_back")
def fewer_than_one_step_is_refused(step, g):
    x1 = points(g, 3)
    return {f"{n} steps": tried(lambda n=n: step.walk_back(drift(g), x1, n)) for n in TOO_FEW_STEPS}


rule(fewer_than_one_step_is_refused, refused(ValueError))
