"""Step 5, continued: states of the model, changed weights, sizes, dtypes, devices, gradients."""

import copy

import torch

from kata.criteria.questions import asks, tried
from kata.criteria.rules import TESTIMONY, Criterion, Subject, close, rule
from kata.criteria.step05 import LABELS, ROUNDED, SMALL, TABLE, inputs, small
from kata.testing.devices import ELSEWHERE, elsewhere, moved, two_devices, values

TINY = SMALL | {"img_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
"""The sizes of the smallest model; its images are (3, 4, 4)."""

TINY_IMAGE = (3, 4, 4)

STATES = ("train", "eval", "mixed", "table frozen", "only the table free", "gradients kept")

LARGE = {
    "49 images of 49 tokens": (26, 49, {"img_size": 14, "in_channels": 1}),
    "300 images, 300 classes": (300, 300, {}),
}
"""Number of classes, number of images, and changes to TINY."""

DTYPES = {torch.float64: 1e-6, torch.bfloat16: 0.05, torch.float16: 0.01}
"""Dtypes of a model, and how closely its velocity is known."""

LABEL_DTYPES = (torch.int64, torch.int32)


def in_state(model, state):
    """Put a model in one of STATES, and return it."""
    model.train(state != "eval")
    if state == "mixed":
        model.blocks.eval()
    free = {"table frozen": (False,), "only the table free": (True,)}.get(state, (True, False))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_((name == TABLE) in free)
        parameter.grad = torch.ones_like(parameter) if state == "gradients kept" else None
    return model


def table_changed(model, x, t, y):
    """Change the class table in place."""
    with torch.no_grad():
        model.get_parameter(TABLE).mul_(-1).add_(0.5)


def all_changed(model, x, t, y):
    """Change every parameter in place."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.8).add_(0.01)


def others_loaded(model, x, t, y):
    """Load other weights."""
    model.load_state_dict({name: w * -0.9 for name, w in model.state_dict().items()})


def others_assigned(model, x, t, y):
    """Put other parameters in the place of the old ones."""
    weights = {name: w * 1.1 - 0.02 for name, w in model.state_dict().items()}
    model.load_state_dict(weights, assign=True)


def inputs_changed(model, x, t, y):
    """Fill the same tensors with other images, times and labels."""
    x.neg_()
    t.mul_(0.7)
    y.copy_(y.flip(0))


CHANGES = (table_changed, all_changed, others_loaded, others_assigned, inputs_changed)
"""What happens between two calls of one model."""


def scrambled(g, num_classes, batch):
    """Draw labels 0 .. K in no order."""
    return torch.randint(0, num_classes + 1, (batch,), generator=g)


def edge_times(g, batch):
    """Draw times; the first two are 0 and 1."""
    t = torch.rand(batch, generator=g)
    t[0], t[1] = 0, 1
    return t


def grown(model, x, t, y):
    """Return the velocity and its gradients in the image and the parameters."""
    x = x.clone().requires_grad_()
    model.zero_grad()
    v = model(x, t, y)
    if v.requires_grad:
        v.square().sum().backward()
    found = {"x": x.grad} | {name: p.grad for name, p in model.named_parameters()}
    return v, {n: torch.zeros(1) if grad is None else grad for n, grad in found.items()}


@asks("ConditionalDiT")
def nothing_of_the_callers_is_changed(step, g):
    answers, model = {}, small(step, g, **TINY)
    for state in STATES:
        in_state(model, state)
        x, t, y = inputs(g, image_shape=TINY_IMAGE)
        for recording in (True, False):
            for label in (y, None):
                case = f"{state}, {'recording' if recording else 'no_grad'}, {label is None}"
                with torch.set_grad_enabled(recording):
                    before = _facts(model, x, t, y)
                    model(x, t, label)
                    after = _facts(model, x, t, y)
                same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
                answers[case] = torch.tensor(same).all()
    return answers


rule(nothing_of_the_callers_is_changed, TESTIMONY)


def _facts(model, x, t, y):
    modes = torch.tensor([part.training for part in model.modules()])
    free = torch.tensor([p.requires_grad for p in model.parameters()])
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    values = torch.cat([v.detach().flatten() for v in (x, t, *model.parameters(), *gradients)])
    settings = torch.tensor([torch.is_grad_enabled(), len(gradients) == 0])
    return [modes, free, settings, values, y.clone()]


@asks("ConditionalDiT")
def nothing_is_random(step, g):
    answers = {}
    model = small(step, g, **TINY)
    x, t, y = inputs(g, image_shape=TINY_IMAGE)
    for mode in ("train", "eval"):
        model.train(mode == "train")
        for name, label in (("labels", y), ("None", None)):
            state = torch.get_rng_state()
            first = model(x, t, label)
            kept = torch.equal(state, torch.get_rng_state())
            torch.rand(5)
            again = torch.equal(first, model(x, t, label))
            answers[f"{mode}, {name}"] = torch.tensor([kept, again])
    return answers


rule(nothing_is_random, TESTIMONY)


@asks("ConditionalDiT")
def weights_of_now_are_used(step, g):
    answers, model = {}, small(step, g, **TINY)
    for mode in ("train", "eval"):
        for recording in (True, False):
            model.train(mode == "train")
            x, t, y = inputs(g, image_shape=TINY_IMAGE)
            with torch.set_grad_enabled(recording):
                _ = model(x, t, y), model(x, t)
                for change in CHANGES if recording == (mode == "train") else CHANGES[:2]:
                    change(model, x, t, y)
                    case = f"{mode}, {recording}, {change.__name__}"
                    answers[f"{case}: y"] = model(x, t, y)
                    answers[f"{case}: None"] = model(x, t)
    return answers


rule(weights_of_now_are_used, Criterion(close(1e-4)))


@asks("ConditionalDiT")
def a_copy_has_weights_of_its_own(step, g):
    model = small(step, g, **TINY)
    x, t, y = inputs(g, image_shape=TINY_IMAGE)
    before = model(x, t, y)
    copied = tried(lambda: copy.deepcopy(model))
    if not callable(copied):
        return {"copied": copied}
    all_changed(copied, x, t, y)
    return {"original": model(x, t, y) - before, "copy": copied(x, t, y), "None": copied(x, t)}


rule(a_copy_has_weights_of_its_own, Criterion(close(1e-4)))


@asks("ConditionalDiT")
def large_batches_are_like_small_ones(step, g):
    answers = {}
    for name, (num_classes, batch, sizes) in LARGE.items():
        model = small(step, g, num_classes, **TINY | sizes)
        x, t, _ = inputs(g, num_classes, batch, model.image_shape)
        y = scrambled(g, num_classes, batch)
        answers[name] = tried(lambda m=model, a=(x.mT, t, y): m(*a))
    return answers


rule(large_batches_are_like_small_ones, Criterion(ROUNDED))


@asks("ConditionalDiT")
def none_is_null_in_every_state(step, g):
    answers = {}
    x, t, _ = inputs(g, image_shape=TINY_IMAGE)
    null = torch.full((5,), 7)
    for dtype in (torch.float32, *DTYPES):
        model = small(step, g, **TINY).to(dtype)
        for state in STATES if dtype == torch.float32 else STATES[:1]:
            in_state(model, state)
            for recording in (True, False) if dtype == torch.float32 else (True,):
                with torch.set_grad_enabled(recording):
                    pair = model(x.to(dtype), t, None), model(x.to(dtype), t, null)
                answers[f"{dtype}, {state}, {recording}"] = torch.equal(*pair)
    return answers


rule(none_is_null_in_every_state, TESTIMONY)


@asks("ConditionalDiT")
def velocity_has_the_dtype_of_the_model(step, g):
    answers = {}
    for dtype in DTYPES:
        model = small(step, g, **TINY).to(dtype)
        x, _, y = inputs(g, image_shape=TINY_IMAGE)
        x, t = x.to(dtype), edge_times(g, 5)
        for name, label in (("y", y), ("None", None)):
            answers[f"{dtype}: {name}"] = tried(lambda m=model, a=(x, t, label): m(*a))
    return answers


rule(velocity_has_the_dtype_of_the_model, Criterion(close(0.05)))


@asks("ConditionalDiT")
def condition_is_summed_in_full_precision(step, g):
    model = small(step, g, **TINY).double()
    with torch.no_grad():
        model.time_embed.mlp[0].weight.zero_()
    x, t, y = inputs(g, image_shape=TINY_IMAGE)
    return {"v": model(x.double(), t, y)}


rule(condition_is_summed_in_full_precision, Criterion(close(1e-12)))


@asks("ConditionalDiT")
def labels_may_be_int32(step, g):
    model = small(step, g, **TINY)
    x, t, y = inputs(g, batch=8, image_shape=TINY_IMAGE)
    return {str(dtype): tried(lambda d=dtype: model(x, t, y.to(d))) for dtype in LABEL_DTYPES}


rule(labels_may_be_int32, Criterion(ROUNDED))


@asks("ConditionalDiT")
def gradients_are_those_of_the_dit(step, g):
    answers, model = {}, small(step, g, **TINY)
    x, t, _ = inputs(g, batch=len(LABELS), image_shape=TINY_IMAGE)
    for mode in ("train", "eval"):
        model.train(mode == "train")
        for name, label in (("y", torch.tensor(LABELS)), ("None", None)):
            _, gradients = grown(model, x, t, label)
            answers |= {f"{mode}, {name}: {key}": grad for key, grad in gradients.items()}
    return answers


rule(gradients_are_those_of_the_dit, Criterion(close(1e-4)))


@asks("ConditionalDiT")
def model_runs_where_its_weights_are(step, g):
    answers, model = {}, small(step, g, **TINY)
    x, t, y = (elsewhere(value) for value in inputs(g, image_shape=TINY_IMAGE))
    with two_devices():
        moved(model)
        for name, label in (("y", y), ("None", None)):
            v = tried(lambda label=label: model(x, t, label))
            answers[name] = values(v)
            answers[f"{name}: there"] = isinstance(v, torch.Tensor) and v.device == ELSEWHERE
    return answers


rule(model_runs_where_its_weights_are, Criterion(ROUNDED, subject=Subject.DEVICE))
