"""More criteria of step 8: states of the caller, laws, sizes, dtypes, devices and refusals."""

from itertools import product

import torch
from torch import Tensor, nn

from kata.criteria.questions import (
    IMAGE_SHAPE,
    LAYER_MODES,
    PLACES,
    THERE,
    asks,
    devices_met,
    images,
    refusal,
    traces_from,
)
from kata.criteria.rules import (
    LANDED,
    ON_ANY_DEVICE,
    TESTIMONY,
    Criterion,
    close,
    refused,
    rule,
)
from kata.criteria.step08 import draw_grid
from kata.testing.models import GaussianWorld, LabelField, PointMass

STATES = list(product(LAYER_MODES, (True, False)))
"""Modes of model and layers, and whether autograd is on."""

EXTRA_DTYPES = (torch.float64, torch.float16, torch.bfloat16)

LAW_SCALES = (1, 3, 7)

LABEL_SHAPES = [(4, 1), (1, 4), (1,), (), (3,), (8,)]
"""Shapes that are not one label for each of four samples."""

EQUAL_SAMPLES = [(2, torch.float32), (5, torch.float32), (5, torch.float64), (300, torch.float64)]


class Reader(nn.Module):
    """A classifier: logit k is minus the distance to image k. It keeps what it is given."""

    def __init__(self, targets: Tensor) -> None:
        super().__init__()
        self.targets, self.inside = nn.Parameter(targets.double()), nn.Dropout()
        self.given: list[Tensor] = []

    def forward(self, samples: Tensor) -> Tensor:
        self.given.append(samples)
        rows = samples.double().flatten(1)
        logits: Tensor = -torch.cdist(rows, self.targets.flatten(1))
        return logits

    @property
    def as_they_are(self) -> bool:
        """Return whether all that was given were images of IMAGE_SHAPE."""
        return {tuple(x.shape[1:]) for x in self.given} == {IMAGE_SHAPE}


def read(g, dtype=torch.float32, state=("eval", True)):
    """Return a classifier in a state, samples of four classes, and labels, three of them right."""
    targets = images(g, 4)
    reader = Reader(targets)
    reader.train(LAYER_MODES[state[0]][0])
    reader.inside.train(LAYER_MODES[state[0]][1])
    return reader, targets[[2, 0, 3, 1]].to(dtype), torch.tensor([2, 0, 3, 3])


def many_read(g):
    """Return images of 26 classes, 300 samples that show them in turn, and labels; 217 agree."""
    targets, shown = images(g, 26), torch.arange(300) % 26
    labels = shown.clone()
    labels[217:] = (labels[217:] + 1) % 26
    return targets, targets[shown], labels


def narrow_world(g):
    """Return a Gaussian world of three classes whose clouds are half as wide as the null one."""
    return GaussianWorld(images(g, 4), torch.tensor([0.5, 0.5, 0.5, 1.0]))


def mirrored(g):
    """Return two noises, z and -z, of ones and minus ones: mean 0 and deviation 1 exactly."""
    z = torch.randint(2, (1, *IMAGE_SHAPE), generator=g) * 2.0 - 1
    return torch.cat([z, -z])


def clouds(g, spread):
    """Return 300 samples with the same deviation, `spread`, in every pixel."""
    signs = torch.tensor([1.0, -1.0]).repeat(150)[torch.randperm(300, generator=g)]
    return images(g, 1) + spread * signs.view(-1, 1, 1, 1)


def drawn_twice(step, g):
    """Draw twice with the same arguments; meanwhile the weights of the model change sign."""
    model, noise = PointMass(images(g, 4)), images(g, 2)

    def draw():
        return step.compare_cfg_scales(model, 1, (3, 1), 2, IMAGE_SHAPE, 2, 3, noise=noise)

    first = draw()
    with torch.no_grad():
        model.mu.neg_()
    return model, first, draw()


def typed(step, g, dtype):
    """Draw with model and noise of a dtype; return model, noise and result."""
    model, noise = LabelField(3, 3).to(dtype), images(g, 4).to(dtype)
    return model, noise, draw_grid(step, model, noise=noise, num_steps=2)


@asks("compare_cfg_scales")
def model_is_left_as_it_was_found(step, g):
    return {
        f"{mode}, autograd {autograd}: {name}": value
        for mode, autograd in STATES
        for name, value in traces_from(
            lambda model: draw_grid(step, model, num_steps=2), LabelField(3, 3), mode, autograd
        ).items()
    }


rule(model_is_left_as_it_was_found, TESTIMONY)


@asks("compare_cfg_scales")
def second_call_sees_new_weights(step, g):
    _, first, second = drawn_twice(step, g)
    return {"first": first, "second": second}


rule(second_call_sees_new_weights, LANDED.told)


@asks("compare_cfg_scales")
def spread_falls_with_the_scale_as_the_law_says(step, g):
    world, noise = narrow_world(g), mirrored(g)
    grid = step.compare_cfg_scales(
        world, 2, LAW_SCALES, 2, IMAGE_SHAPE, num_steps=20, num_classes=3, noise=noise
    )
    return {"deviations": (grid[:, 0] - grid[:, 1]).abs() / 2, "means": grid.mean(1)}


rule(spread_falls_with_the_scale_as_the_law_says, LANDED.weighing(2))


@asks("compare_cfg_scales")
def dtype_of_the_noise_is_kept(step, g):
    return {str(dtype): typed(step, g, dtype)[2].double() for dtype in EXTRA_DTYPES} | {
        f"{dtype} kept": typed(step, g, dtype)[2].dtype == dtype for dtype in EXTRA_DTYPES
    }


rule(dtype_of_the_noise_is_kept, Criterion(close(0.05)))


@asks("compare_cfg_scales")
def device_is_passed_on(step, g):
    return {
        f"{home}, device={device}": devices_met(
            lambda m, device=device: draw_grid(step, m, device=device), home
        )
        == [THERE]
        for home, device in PLACES
    }


rule(device_is_passed_on, ON_ANY_DEVICE)


@asks("compare_cfg_scales")
def num_steps_below_1_is_refused(step, g):
    return {
        f"{n}": refusal(lambda n=n: draw_grid(step, LabelField(3, 3), num_steps=n)) for n in (0, -1)
    }


rule(num_steps_below_1_is_refused, refused(ValueError))


@asks("fidelity")
def fidelity_leaves_the_classifier_as_it_was(step, g):
    left = {}
    for state in STATES:
        reader, samples, labels = read(g, state=state)
        before = [layer.training for layer in reader.modules()]
        with torch.set_grad_enabled(state[1]):
            left[f"{state}: share"] = float(step.fidelity(samples, labels, reader))
            left[f"{state}: autograd kept"] = torch.is_grad_enabled() == state[1]
        left[f"{state}: modes kept"] = before == [layer.training for layer in reader.modules()]
        left[f"{state}: no gradient"] = reader.targets.grad is None
    return left


rule(fidelity_leaves_the_classifier_as_it_was, Criterion(close(1e-6), testimony=True))


@asks("fidelity")
def fidelity_of_300_samples(step, g):
    targets, samples, labels = many_read(g)
    return {"share": float(step.fidelity(samples, labels, Reader(targets)))}


rule(fidelity_of_300_samples, Criterion(close(1e-6), testimony=True))


@asks("fidelity")
def fidelity_keeps_the_dtype_of_the_samples(step, g):
    kept = {}
    for dtype in EXTRA_DTYPES:
        reader, samples, labels = read(g, dtype)
        kept[f"{dtype}: share"] = float(step.fidelity(samples, labels, reader))
        kept[f"{dtype}: kept"] = {x.dtype for x in reader.given} == {dtype}
        kept[f"{dtype}: shape"] = reader.as_they_are
    return kept


rule(fidelity_keeps_the_dtype_of_the_samples, Criterion(close(1e-6), testimony=True))


@asks("fidelity")
def fidelity_needs_one_label_per_sample(step, g):
    reader, samples, _ = read(g)
    return {
        str(shape): refusal(
            lambda shape=shape: step.fidelity(samples, torch.ones(shape, dtype=torch.int64), reader)
        )
        for shape in LABEL_SHAPES
    }


rule(fidelity_needs_one_label_per_sample, refused(ValueError))


@asks("diversity")
def diversity_of_a_cloud_is_its_spread(step, g):
    return {f"w={w}": float(step.diversity(clouds(g, 0.5**w))) for w in range(8)}


rule(diversity_of_a_cloud_is_its_spread, Criterion(close(1e-5), testimony=True))


@asks("diversity")
def diversity_of_equal_samples_is_zero(step, g):
    return {
        f"{n} samples of {dtype}": float(
            step.diversity(images(g, 1).to(dtype).expand(n, *IMAGE_SHAPE))
        )
        for n, dtype in EQUAL_SAMPLES
    }


rule(diversity_of_equal_samples_is_zero, Criterion(close(1e-6), testimony=True))


@asks("diversity")
def diversity_takes_any_floating_dtype(step, g):
    spreads = {}
    for dtype, i in product(EXTRA_DTYPES, range(4)):
        samples = images(g, 6) * (0.2 + 0.8 * torch.rand((), generator=g))
        spreads[f"{dtype}, contrast {i}"] = float(step.diversity(samples.to(dtype)))
    return spreads


rule(diversity_takes_any_floating_dtype, Criterion(close(0.02), weight=0.25))
