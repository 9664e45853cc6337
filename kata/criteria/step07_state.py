"""Criteria of step 7 about states: the model's before a call, and what is left after one."""

import torch
from torch import Tensor, nn

from kata.criteria.questions import PLACES, THERE, asks, branch, devices_met, images
from kata.criteria.rules import (
    LANDED,
    ON_ANY_DEVICE,
    TESTIMONY,
    rule,
)
from kata.criteria.step07 import draw, of_each_sampler
from kata.testing.models import LabelField
from kata.testing.spies import Watched

MODES = {
    "train": (True, True),
    "eval": (False, False),
    "train, some layers in eval": (True, False),
    "eval, some layers in train": (False, True),
}
"""Whether the model is in train mode, and whether its layers are, but for the frozen one."""

STATES = list(zip(MODES, (True, False, False, True), strict=True))
"""Modes of a model, and whether autograd is on."""

CALLS = [(3, 1.5, 1.0), (2, 4.0, -0.5), (3, 1.5, 2.0), (1, 0.0, 0.3), (3, 1.0, 1.0)]
"""Number of steps, scale, and what the model's weights are multiplied by before the call."""


class Owned(Watched):
    """Somebody's model in the middle of training: one layer is frozen, and gradients are there."""

    def __init__(self, mu: Tensor, mode: str) -> None:
        super().__init__(mu)
        self.inside = nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 2), nn.BatchNorm1d(2))
        outer, inner = MODES[mode]
        self.train(inner).training = outer
        self.inside[1].eval().requires_grad_(False)
        self.mu.grad = torch.ones_like(mu)
        self.in_train_mode: list[str] = []

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        self.in_train_mode += [type(part).__name__ for part in self.modules() if part.training]
        return super().velocity(x, t, y)


def drawn_from(step, sampler, g, mode, autograd):
    """Draw from a model in a state, with noise that has a graph; return what was there after."""
    model, noise = Owned(images(g, 4), mode), images(g, 6).requires_grad_()
    with torch.set_grad_enabled(autograd):
        result = draw(step, sampler, model, num_steps=2, noise=noise)
        left = torch.is_grad_enabled()
    return model, noise, result, left


def devices_of(step, sampler, g, home, device):
    """Return the devices on which a sampler works if noise is given, and if it is drawn: sorted."""
    start = {"noise": images(g, 6)}, {"generator": branch(g)}
    found = (
        devices_met(lambda m, own=own: draw(step, sampler, m, device=device, **own), home)
        for own in start
    )
    return sorted({place for places in found for place in places})


def calls_in_a_row(step, sampler, g):
    """Draw again and again while the model learns; yield the model, what was given and drawn."""
    model = LabelField(3, 3)
    for num_steps, scale, factor in CALLS:
        with torch.no_grad():
            model.table.mul_(factor)
        noise, guidance = images(g, 6), {} if sampler == "sample" else {"cfg_scale": scale}
        result = draw(step, sampler, model, num_steps=num_steps, noise=noise, **guidance)
        yield model, noise, (num_steps, scale), result


@asks("sample_each_class")
@of_each_sampler
def every_layer_is_in_eval_mode_meanwhile(step, sampler, g):
    return {
        f"{mode}, autograd {on}": len(drawn_from(step, sampler, g, mode, on)[0].in_train_mode)
        for mode, on in STATES
    }


rule(every_layer_is_in_eval_mode_meanwhile, TESTIMONY)


@asks("sample_each_class")
@of_each_sampler
def the_models_state_is_left_as_it_was(step, sampler, g):
    left = {}
    for mode, on in STATES:
        model, noise, result, autograd = drawn_from(step, sampler, g, mode, on)
        parts = [*model.parameters(), *model.buffers(), noise]
        left |= {
            f"{mode}, {on}: modes": torch.tensor([part.training for part in model.modules()]),
            f"{mode}, {on}: frozen": torch.tensor([p.requires_grad for p in parts]),
            f"{mode}, {on}: gradients": sum(
                float(p.grad.sum()) for p in parts if p.is_leaf and p.grad is not None
            ),
            f"{mode}, {on}: batches counted": model.inside[2].num_batches_tracked,
            f"{mode}, {on}: autograd": autograd,
            f"{mode}, {on}: graph": result.requires_grad or any(model.graphs[-1:]),
        }
    return left


rule(the_models_state_is_left_as_it_was, TESTIMONY)


@asks("sample_each_class")
@of_each_sampler
def every_call_starts_anew(step, sampler, g):
    return {
        f"call {i}": result for i, (*_, result) in enumerate(calls_in_a_row(step, sampler, g), 1)
    }


rule(every_call_starts_anew, LANDED)


@asks("sample_each_class")
@of_each_sampler
def everything_is_on_one_device(step, sampler, g):
    return {
        f"{home}, device={device}": devices_of(step, sampler, g, home, device) == [THERE]
        for home, device in PLACES
    }


rule(everything_is_on_one_device, ON_ANY_DEVICE)
