"""Step 0. In the plane

The idea
    Everything that this course does to images can be done to points in a plane, where you can see
    it. Data is a cloud of points, and so is noise: x1 ~ N(0, I), independent numbers. Draw a
    straight line from a data point x0 to a noise point x1. Time t says how far along it you are:
    t = 0 is data, t = 1 is noise. The direction of the line is its velocity.
    Many lines cross at one place. There the exact velocity is the mean direction of all lines that
    pass. Start at pure noise and walk against it by small steps: the noise becomes data. A network
    learns this velocity for images. Here you write it as a formula.

The formulas
    x_t = (1 - t) · x0 + t · x1                 a point on the path
    v = x1 - x0                                 its velocity, from data to noise
    x ← x - dt · v,   dt = 1 / N                one step back; at t = 1, 1 - dt, ..., dt
    x_t - t · v                                 the denoised image: where x_t comes from, on average
    v = -(x_t + t · s) / (1 - t)                velocity and score s; mind the minus sign

    The score is the gradient of the logarithm of the density: s = ∇ₓ log p_t(x), uphill to where
    points are dense. Velocity points to noise, score to data.

A Gaussian cloud
    For data N(m, σ² I), with D = (1 - t)² σ² + t²:

    v(x, t) = -m + (t - (1 - t) σ²) · (x - (1 - t) m) / D

    It is the difference of two means, E[x1 | x_t] - E[x0 | x_t]. At t = 0 it is -x, and at t = 1 it
    is x - m. With infinitely many steps, the walk takes a noise point x1 to m + σ · x1.

Shapes
    x0, x1, x, v       (N, 2)     N points
    t                  (N,)       one time per point
    m, σ               (2,) and a number

Words that come later
    time embedding h_t     a vector made from t, by which a network knows the time (step 2)
    guidance               ask for a class: v_c; ask for anything: v_u. The arrow from v_u to v_c is
                           what the class adds. Guidance makes this arrow longer (step 3)

What goes wrong in practice
    - t and 1 - t are exchanged in one place and not in the other (LightningDiT#89).
    - The velocity x0 - x1, or x + dt · v: the walk leads away from the data
      (friendly-stable-audio#9, Open-Sora#628).
    - t of shape (N,) meets points of shape (N, 2): an error, or, if N = 2, silently a wrong result.
    - linspace(1, 0, N) with dt = 1 / N: the last step is taken at t = 0.

Source: Lipman et al., "Flow matching for generative modeling", 2023; Liu et al., "Flow straight and
fast", 2023.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def point_on_path(x0: Tensor, x1: Tensor, t: Tensor) -> Tensor:
    """Return the points x_t = (1 - t) x0 + t x1 between data and noise.

    x0, x1: `(N, 2)`
    t: `(N,)` in [0, 1], one time per point, also if N = 2

    Returns `(N, 2)` in the dtype of x0, whatever that of t. Changes no input. Raises ValueError if
    the shapes of x0 and x1 differ, or if t is not of shape `(N,)`: nothing is broadcast.
    """
    raise NotImplementedError("step 0: point_on_path")


def path_velocity(x0: Tensor, x1: Tensor) -> Tensor:
    """Return the velocity of the path: x1 - x0, from data to noise, the same at all times.

    x0, x1: `(N, 2)`

    Returns `(N, 2)` in their dtype. Changes no input. Raises ValueError if the shapes differ.
    """
    raise NotImplementedError("step 0: path_velocity")


def gaussian_velocity(x: Tensor, t: Tensor, mean: Tensor, std: float) -> Tensor:
    """Return the exact velocity at x if the data is a Gaussian cloud N(mean, std² I).

    x: `(N, 2)`
    t: `(N,)` in [0, 1], one time per point, also if N = 2
    mean: `(2,)`
    std: a positive number, an int or a float

    With D = (1 - t)² std² + t², it is -mean + (t - (1 - t) std²) (x - (1 - t) mean) / D. It is
    finite at t = 0 and at t = 1 too. Returns `(N, 2)` in the dtype of x, whatever those of t and
    mean. Changes no input. Raises ValueError if std is not positive, infinite or NaN.
    """
    raise NotImplementedError("step 0: gaussian_velocity")


def walk_back(
    velocity: Callable[[Tensor, Tensor], Tensor], x1: Tensor, num_steps: int = 50
) -> Tensor:
    """Walk from noise at t = 1 to data at t = 0 by Euler's method, and return the points there.

    velocity: a function of x `(N, 2)` and t `(N,)` that returns `(N, 2)`
    x1: `(N, 2)`, where the walk begins
    num_steps: 1 or more; each step has the length dt = 1 / num_steps

    Each step evaluates the velocity once, at the present x and t, and moves to x - dt v. The times
    are 1, 1 - dt, ..., dt: the velocity at t = 0 is never needed. t is a tensor `(N,)` in the dtype
    of x1, the same time for all points. Returns `(N, 2)` in the dtype of x1, and never changes x1.
    Raises ValueError if num_steps is below 1.
    """
    raise NotImplementedError("step 0: walk_back")
