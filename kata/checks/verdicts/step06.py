"""How the answers of step 6 are judged: by what holds whatever was drawn, and in whatever order."""

from collections.abc import Callable

import torch
from torch import Tensor

from kata.checks.verdicts import SAME, Criterion, Values, close, seen
from kata.checks.verdicts.noise import REPEATED, SHARES, counts, standard_normal

TESTIMONY = Criterion(testimony=True)


def _groups(values: Values) -> dict[str, Values]:
    """The values of each case of a probe: `<case>: <name>` -> case -> name."""
    cases: dict[str, dict[str, Tensor]] = {}
    for name, value in values.items():
        case, _, part = name.rpartition(": ")
        cases.setdefault(case, {})[part] = value
    return dict(cases)


def _mean_square(values: Values) -> Values:
    """Of every case: its images, how often the model was called, and whether the loss is that of the line."""
    facts: dict[str, Tensor] = {}
    for case, v in _groups(values).items():
        t = v["t"].double().view(-1, 1, 1, 1)
        error = v["output"] - (v["x"].double() - v["x0"]) / t
        # x_t is rounded, which near t = 0 is much of the way from x0 to it.
        rounding = 1e-6 * v["x"].double().abs().clamp(min=1) / t
        expected = error.square().mean()
        slack = (2 * error.abs() * rounding + rounding**2).mean() + 1e-4 * expected.clamp(min=1)
        obeys = (v["loss"] - expected).abs() <= slack
        facts |= {f"{case}: x0": v["x0"], f"{case}: calls": v["calls"]}
        facts |= {f"{case}: obeys": obeys | ~expected.isfinite()}
    return facts


def _nothing_lost(values: Values) -> Values:
    """Of every case: whether the loss is 0, but for the rounding of x near t = 0."""
    return {
        case: v["loss"].abs() <= 1e-3 + (1e-6 / v["t"].double()).square().mean()
        for case, v in _groups(values).items()
    }


def _missed(x: Tensor, x0: Tensor, t: Tensor, output: Tensor, pixel: Tensor) -> Tensor:
    """How far the target, which the gradient tells, is from the velocity of the line: t v - (x_t - x0)."""
    target = output - pixel / 2
    return t.view(-1, 1, 1, 1) * target - (x - x0)


def _gradient(values: Values) -> Values:
    """The images, and whether the gradient points to the velocity of the line."""
    v, pixel = values, values["gradient"] * values["gradient"].numel()
    missed = _missed(v["x"], v["x0"], v["t"], v["output"], pixel)
    facts = {name: v[name] for name in ("x0", "is tensor", "has graph")}
    return facts | {"size": torch.tensor(v["loss"].shape), "right": missed.abs().max() < 1e-4}


def _pull(values: Values) -> Values:
    """Where the gradient points to and how strongly, as two numbers that hardly depend on what was drawn."""
    v, pixel = values, values["gradient"] * values["gradient"].numel()
    missed = _missed(v["x"], v["x0"], v["t"], v["output"], pixel)
    strength = v["loss"].double().mean() / (pixel / 2).square().mean()
    facts = {name: v[name] for name in ("is tensor", "has graph")}
    return facts | {
        "size": torch.tensor(v["loss"].shape),
        "missed": missed.square().mean().sqrt(),
        "strength": strength.log(),
    }


def _steps(values: Values) -> Values:
    """The places that the parameters reached, and whether the gradients on the way were those of the loss."""
    v = dict(values)
    parts = [v.pop(name) for name in ("x", "x0", "t", "output", "gradient of a pixel")]
    fits = len({len(part) for part in parts}) == 1
    return v | {
        "x0": parts[1],
        "right": torch.tensor(fits and bool(_missed(*parts).abs().max() < 1e-4)),
    }


def _as_written(a: Values, b: Values) -> bool:
    """The same, but where a time was exactly 0, as one in 2 ** 24 is: there a loss is not what the script says."""
    if a.keys() != b.keys():
        return False
    zeros = [v for x in (a, b) for name, v in x.items() if name.endswith("times of 0")]
    return any(bool((v != 0).any()) for v in zeros) or close(1e-3)(a, b)


def _epochs(values: Values) -> Values:
    """The sizes of the batches, and which turn of the loader each epoch used; labels that were dropped do not count."""
    asked, served = values["asked"].reshape(-1, 10), values["served"]
    fits = ((asked[:, None] == served) | (asked[:, None] == 10)).all(-1)
    turn = torch.where(fits.any(1), fits.int().argmax(1), -1)
    different = len(turn.unique()) == len(turn)
    return {"sizes": values["sizes"], "used": fits.any(1), "different": torch.tensor(different)}


def _share_different(values: Values) -> Values:
    return {"times": values["times"], "share": values["different"] / values["times"]}


def _plain(a: Values, b: Values) -> bool:
    """Whether both checkpoints are plain data; how many files lie beside is another matter."""
    return a.keys() == b.keys() and bool((a["plain"] == b["plain"]).all())


def viewed(
    view: Callable[[Values], Values], same: Callable[[Values, Values], bool] = SAME
) -> Criterion:
    """Answers of which only what a view makes of them is looked at."""
    return Criterion(seen(view, same), seen(view, same))


SCRIPT = Criterion(_as_written, _as_written)

CRITERIA = {
    "interpolate_changes_no_input": TESTIMONY,
    "loss_is_the_mean_squared_error": viewed(_mean_square),
    "exact_velocity_has_no_loss": viewed(_nothing_lost),
    "gradient_of_the_loss": Criterion(seen(_gradient), seen(_pull, close(0.2))),
    "mode_is_left_alone": TESTIMONY,
    "images_and_labels_are_not_changed": TESTIMONY,
    "noise_is_standard_normal": standard_normal(900 * 2 * 6 * 8),
    "noise_is_independent": counts(
        pairs=(900 * 48, (0.5,) * 6), tally=(1800, SHARES), repeated=(100, (0.0,))
    ),
    "times_are_uniform": counts(
        quarters=(4000, (0.25,) * 4), outside=(4000, (0.0,)), repeated=(40, (0.0,))
    ),
    "share_of_dropped_labels_by_default": counts(fate=(4000, (0.1, 0.0))),
    "dropping_noise_and_time_are_independent": counts(both=(4000, (0.5,) * 3)),
    "generator_decides_the_loss": REPEATED,
    "without_a_generator_the_global_one_is_used": REPEATED,
    "optimizer_is_adamw_over_all_parameters": Criterion(close(1e-9), close(1e-9), testimony=True),
    "parameters_go_the_way_of_adamw": viewed(_steps, close(1e-4)),
    "average_loss_is_the_plain_mean_of_the_batches": SCRIPT,
    "train_goes_on_where_it_stopped": SCRIPT,
    "every_epoch_uses_every_batch_the_loader_yields": viewed(_epochs),
    "train_sets_train_mode": TESTIMONY,
    "trainer_drops_labels": counts(default=(4000, (0.1, 0.0)), told=(4000, (0.5, 0.0))),
    "every_batch_draws_anew": viewed(_share_different, close(0.08)),
    "what_is_printed": Criterion(_as_written, _as_written, testimony=True),
    "device_by_default": TESTIMONY,
    "model_is_moved_to_the_device": TESTIMONY,
    "batches_are_moved_to_the_device": TESTIMONY,
    "checkpoint_is_plain_data": Criterion(_plain, testimony=True),
    "checkpoint_brings_model_and_losses_back": SCRIPT,
    "training_goes_on_from_a_checkpoint_as_if_never_interrupted": SCRIPT,
}
