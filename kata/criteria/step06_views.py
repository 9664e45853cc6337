"""What the rules of step 6 look at: the loss draws at will, and only what follows is compared."""

import torch
from torch import Tensor

from kata.criteria.questions import NEAR
from kata.criteria.rules import SINGLE_OR_DOUBLE, Criterion, Values, seen


def _groups(values: Values) -> dict[str, Values]:
    """Return the values by case and name, from keys of the form `<case>: <name>`."""
    cases: dict[str, dict[str, Tensor]] = {}
    for name, value in values.items():
        case, _, part = name.rpartition(": ")
        cases.setdefault(case, {})[part] = value
    return dict(cases)


def mean_square(values: Values) -> Values:
    """Return for each case the images, the number of calls, and whether the loss fits the line."""
    facts: dict[str, Tensor] = {}
    for case, v in _groups(values).items():
        t = v["t"].double().view(-1, 1, 1, 1)
        error = v["output"] - (v["x"].double() - v["x0"]) / t
        # Near t = 0 the rounding of x_t is large compared with its distance from x0.
        rounding = 1e-6 * v["x"].double().abs().clamp(min=1) / t
        expected = error.square().mean()
        slack = (2 * error.abs() * rounding + rounding**2).mean() + 1e-4 * expected.clamp(min=1)
        obeys = (v["loss"] - expected).abs() <= slack
        facts |= {f"{case}: x0": v["x0"], f"{case}: calls": v["calls"]}
        facts |= {f"{case}: obeys": obeys & (v["t"].min() > NEAR) & (v["t"].max() <= 1)}
        facts |= {f"{case}: {name}": v[name] for name in ("graph", "inside") if name in v}
    drawn = [noise_in(v["x"], v["x0"], v["t"]) for v in _groups(values).values()]
    return facts | {"noise": is_noise(torch.cat(drawn))}


def noise_in(x: Tensor, x0: Tensor, t: Tensor) -> Tensor:
    """Return the numbers of the noise in x, where t is not so small that rounding hides it."""
    time = t.double().view(-1, 1, 1, 1)
    noise: Tensor = ((x.double() - (1 - time) * x0) / time)[t > NEAR]
    return noise.flatten()


def is_noise(numbers: Tensor) -> Tensor:
    """Return whether a hundred numbers or more could be N(0, 1), by their mean square.

    Other criteria look closer at the noise: this one tells it from none, and from images.
    """
    return torch.tensor(len(numbers) > 80 and 0.4 < float(numbers.square().mean()) < 2.6)


LOSS = Criterion(seen(mean_square), weight=2, dtypes=SINGLE_OR_DOUBLE)
"""That a loss is the mean square that its draws, which may be in either precision, lead to."""


def nothing_lost(values: Values) -> Values:
    """Return for each case whether the loss is 0, at times at which rounding is small."""
    return {
        case: (v["loss"].abs() <= 1e-3) & (v["t"].min() > NEAR)
        for case, v in _groups(values).items()
    }


def missed(x: Tensor, x0: Tensor, t: Tensor, output: Tensor, pixel: Tensor) -> Tensor:
    """Return t v - (x_t - x0), where v is the target that follows from the gradient of the loss."""
    target = output - pixel / 2
    return t.view(-1, 1, 1, 1) * target - (x - x0)


def gradient(values: Values) -> Values:
    """Return the images, and whether the gradient points to the velocity of the line."""
    v, pixel = values, values["gradient"] * values["gradient"].numel()
    off = missed(v["x"], v["x0"], v["t"], v["output"], pixel)
    facts = {name: v[name] for name in ("x0", "is tensor", "has graph")}
    telling = (v["t"] > 0.1).double().mean() > 0.5  # at t = 0 any target fits
    right = telling & (off.abs().max() < 1e-4) & is_noise(noise_in(v["x"], v["x0"], v["t"]))
    return facts | {"size": torch.tensor(v["loss"].shape), "right": right}


def pull(values: Values) -> Values:
    """Return direction and strength of the gradient as numbers that depend little on draws."""
    v, pixel = values, values["gradient"] * values["gradient"].numel()
    off = missed(v["x"], v["x0"], v["t"], v["output"], pixel)
    strength = v["loss"].double().mean() / (pixel / 2).square().mean()
    facts = {name: v[name] for name in ("is tensor", "has graph")}
    return facts | {
        "size": torch.tensor(v["loss"].shape),
        "missed": off.square().mean().sqrt(),
        "strength": strength.log(),
    }
