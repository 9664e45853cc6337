"""Step 5: the sizes of the conditional DiT, how it starts, and its velocities."""

import torch
from torch.overrides import TorchFunctionMode

from kata.criteria.questions import CLASS_COUNTS, LIMITS, asks, below_limits, tried
from kata.criteria.rules import BAD_LABELS, TESTIMONY, Criterion, close, counted, rule
from kata.given import DiT

SMALL = {
    "img_size": 8,
    "patch_size": 2,
    "in_channels": 3,
    "embed_dim": 16,
    "depth": 2,
    "num_heads": 4,
    "mlp_ratio": 4.0,
}
"""The sizes of a small model, in the order of the arguments."""

IN_ORDER = SMALL | {"depth": 3, "num_heads": 2, "mlp_ratio": 1.5}
"""Sizes that no two arguments share."""

NEW = SMALL | {"embed_dim": 256, "depth": 1}
"""Sizes of a model with a wide table."""

OTHER_SIZES = {
    "one channel": {"in_channels": 1},
    "four channels": {"in_channels": 4},
    "large image": {"img_size": 12, "patch_size": 3},
    "wide": {"embed_dim": 32},
    "deep": {"depth": 3},
    "one head": {"num_heads": 1},
    "eight heads": {"num_heads": 8},
    "narrow MLP": {"mlp_ratio": 1.5},
}
"""Changes to SMALL."""

TABLE = "class_embed.embed.weight"

MODEL_BATCHES = (1, 2, 5, 8, 16, 32)
"""Batch sizes; some of them are a number of tokens, pixels or features."""

VELOCITY_CASES = [
    *((7, batch, batch % 2 == 0) for batch in MODEL_BATCHES),
    *[(7, 5, True), (3, 5, True), (3, 4, False), (10, 5, False), (10, 11, True)],
    *[(2, 5, True), (2, 4, False)],  # labels of two classes are all the same here
]
"""Number of classes, batch size, and whether the model is in train mode."""

VELOCITY_CLASSES = sorted({num_classes for num_classes, *_ in VELOCITY_CASES})

NONE_BATCHES = (3, 8, 2)
"""Batch sizes that one model gets, one after another."""

NULL_CASES = ((3, 1), (7, 5), (10, 16))
"""Numbers of classes, and batch sizes."""

MODEL_TIMES = (0.0, 0.001, 0.5, 0.9, 0.999, 1.0)

LABELS = (2, 7, 0, 2)
"""Labels of seven classes, of which 7 is null."""

BAD_MODEL_LABELS = (
    *([0, 8, 1], [0, 1, 100], [0, -1, 1], [-8, 0, 1], [0, 2**32 + 1, 1]),
    *([0.0, 1.0, 2.0], [0.5, 1.5, 2.5], [True, False, True]),
)
"""Labels of 3 samples that do not exist, of seven classes."""

BAD_LABEL_SHAPES = {3: ((2,), (4,), (3, 1), (1, 3), (3, 3), (1,), ()), 1: ((2,), (1, 1), (), (0,))}
"""By number of samples: shapes that do not fit."""

BAD_IMAGE_SHAPES = ((1, 8, 8), (4, 8, 8), (3, 12, 12), (3, 10, 10), (3, 4, 16), (3, 8))
"""Shapes of an image that a model for (3, 8, 8) does not know."""


class Undrawn(TorchFunctionMode):
    """Inside, a new layer starts with zeros instead of random numbers, which cost more to draw."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function.__name__ in ("kaiming_uniform_", "uniform_", "normal_"):
            with torch.no_grad():
                return (args[0] if args else kwargs["tensor"]).zero_()
        return function(*args, **kwargs)


def refilled(model, g):
    """Return the model in eval mode, with new numbers in all parameters, so that none is zero."""
    prime = 8191  # so no two rows of a matrix are equal
    parameters = sorted(model.named_parameters())
    largest = max(p.numel() for _, p in parameters)
    drawn = torch.randn(prime, generator=g).repeat(largest // prime + 2)
    start = 0
    with torch.no_grad():
        for name, parameter in parameters:
            numbers = drawn[start : start + parameter.numel()].view(parameter.shape)
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 10
            torch.mul(numbers, 1 if name == TABLE else fan_in**-0.5, out=parameter)
            start = (start + parameter.numel()) % prime
    return model.eval()


def small(step, g, num_classes=7, **sizes):
    """Return a small model with new numbers in all parameters."""
    with Undrawn():
        model = step.ConditionalDiT(num_classes, **SMALL | sizes)
    return refilled(model, g)


def inputs(g, num_classes=7, batch=5, image_shape=(3, 8, 8), offset=0):
    """Draw images and times, with mixed labels; without an offset the first label is null."""
    x = torch.randn(batch, *image_shape, generator=g)
    t = torch.rand(batch, generator=g)
    return x, t, (torch.arange(batch) * 3 + num_classes - offset) % (num_classes + 1)


def one_image(g, num_classes, labels, image_shape=(3, 8, 8)):
    """Draw one image and one time; repeat them for each of the labels."""
    x, t, _ = inputs(g, num_classes, 1, image_shape)
    return x.expand(len(labels), -1, -1, -1), t.expand(len(labels)), labels


def ten_labels_in_turn():
    """Return 400 labels: 0 to 9, again and again."""
    return torch.arange(400) % 10


def shapes(model):
    """Return the shapes in its state_dict by name."""
    return {name: torch.tensor(value.shape) for name, value in model.state_dict().items()}


@asks("ConditionalDiT")
def default_model_has_the_size_of_the_lesson(step, g):
    with Undrawn():
        model = step.ConditionalDiT()
    x, t, y = inputs(g, 10, 1, (1, 28, 28), offset=4)
    return shapes(model) | {"velocity": refilled(model, g)(x, t, y)}


ROUNDED = close(1e-4)


rule(default_model_has_the_size_of_the_lesson, Criterion(ROUNDED))


@asks("ConditionalDiT")
def classes_are_counted_from_the_argument(step, g):
    answers = {}
    for num_classes in CLASS_COUNTS:
        model = step.ConditionalDiT(num_classes=num_classes, **SMALL)
        found = {
            "a DiT": isinstance(model, DiT),
            "num_classes": float(model.num_classes),
            "null_class": float(model.null_class),
        }
        for name, value in (found | shapes(model)).items():
            answers[f"K={num_classes}: {name}"] = value
    return answers


rule(classes_are_counted_from_the_argument, TESTIMONY)


@asks("ConditionalDiT")
def every_size_is_handed_on(step, g):
    answers = {}
    for name, change in OTHER_SIZES.items():
        sizes = SMALL | change
        image_shape = (sizes["in_channels"], sizes["img_size"], sizes["img_size"])
        values = inputs(g, 3, image_shape=image_shape)
        answers[name] = tried(lambda s=change, v=values: small(step, g, 3, **s)(*v))
    return answers


rule(every_size_is_handed_on, Criterion(ROUNDED))


@asks("ConditionalDiT")
def arguments_come_in_the_order_of_the_lesson(step, g):
    return shapes(step.ConditionalDiT(7, *IN_ORDER.values()))


rule(arguments_come_in_the_order_of_the_lesson, TESTIMONY)


@asks("ConditionalDiT")
def new_model_starts_as_the_given_parts_do(step, g):
    model = step.ConditionalDiT(10, **NEW)
    zero = {f"{name} is zero": True for name, p in model.named_parameters() if not p.any()}
    return zero | below_limits(model.state_dict()[TABLE])


rule(
    new_model_starts_as_the_given_parts_do,
    Criterion(counted(1024, 1e-9 / (11 * len(LIMITS))), testimony=True),
)


@asks("ConditionalDiT")
def velocity_is_that_of_the_dit_under_time_plus_class(step, g):
    answers, models = {}, {k: small(step, g, k) for k in VELOCITY_CLASSES}
    for k, batch, training in VELOCITY_CASES:
        model = models[k].train(training)
        answers[f"K={k}, B={batch}, {training}"] = model(*inputs(g, k, batch, offset=batch))
    return answers


rule(velocity_is_that_of_the_dit_under_time_plus_class, Criterion(ROUNDED))


@asks("ConditionalDiT")
def every_label_gives_another_velocity(step, g):
    answers = {}
    for num_classes in CLASS_COUNTS:
        x, t, y = one_image(g, num_classes, torch.arange(num_classes + 1))
        answers[f"K={num_classes}"] = small(step, g, num_classes)(x, t, y=y)
    return answers


rule(every_label_gives_another_velocity, Criterion(ROUNDED))


@asks("ConditionalDiT")
def time_matters_with_and_without_a_label(step, g):
    model = small(step, g)
    x, _, y = inputs(g, batch=1, offset=1)
    return {
        f"t={t}, {'null' if label is None else 'class'}": model(x, torch.tensor([t]), label)
        for t in MODEL_TIMES
        for label in (y, None)
    }


rule(time_matters_with_and_without_a_label, Criterion(ROUNDED))


@asks("ConditionalDiT")
def none_is_the_null_class(step, g):
    answers = {}
    for num_classes, batch in NULL_CASES:
        model = small(step, g, num_classes)
        x, t, _ = inputs(g, num_classes, batch)
        null = torch.full((batch,), num_classes)
        labelled = model(x, t, null)
        for name, rest in (("omitted", ()), ("None", (None,))):
            v = tried(lambda m=model, a=(x, t, *rest): m(*a))
            answers[f"K={num_classes}: {name}"] = v
            same = isinstance(v, torch.Tensor) and torch.equal(v, labelled)
            answers[f"K={num_classes}: {name}, bit by bit"] = same
    return answers


# A model that ignores labels, and takes all for null, is right about None.
rule(none_is_the_null_class, Criterion(ROUNDED, weight=0.5))


@asks("ConditionalDiT")
def none_fits_every_batch(step, g):
    model = small(step, g)
    batches = {batch: inputs(g, batch=batch)[:2] for batch in NONE_BATCHES}
    return {
        f"B={batch}": tried(lambda v=values: model(*v, None)) for batch, values in batches.items()
    }


rule(none_fits_every_batch, Criterion(ROUNDED, weight=0.5))


@asks("ConditionalDiT")
def samples_do_not_mix(step, g):
    answers = {}
    model = small(step, g)
    for batch in MODEL_BATCHES[1:]:
        x, t, y = inputs(g, batch=batch)
        before = model(x, t, y)
        x[1], t[1], y[1] = -x[1], 1 - t[1], (y[1] + 1) % 8
        answers[f"B={batch}: change"] = model(x, t, y) - before
    return answers


rule(samples_do_not_mix, Criterion(ROUNDED))


@asks("ConditionalDiT")
def every_parameter_gets_a_gradient(step, g):
    model = small(step, g)
    x, t, _ = inputs(g, batch=4)
    v = model(x, t, torch.tensor(LABELS))
    if v.requires_grad:
        v.square().sum().backward()
    gradients = {
        n: torch.zeros(1) if p.grad is None else p.grad for n, p in model.named_parameters()
    }
    rows = gradients.get(TABLE, torch.zeros(1))
    return {
        f"{name}: log of norm": gradient.norm().log() for name, gradient in gradients.items()
    } | {"rows of the table: logs of norms": rows.reshape(len(rows), -1).norm(dim=1).log()}


rule(every_parameter_gets_a_gradient, Criterion(close(0.001)))


@asks("ConditionalDiT")
def no_label_is_dropped(step, g):
    answers = {}
    model = small(step, g, 10, img_size=4, depth=1)
    values = one_image(g, 10, ten_labels_in_turn(), (3, 4, 4))
    for mode in ("train", "eval"):
        model.train(mode == "train")
        with torch.no_grad():
            v = model(*values).view(40, 10, -1)
        usual = v.median(0).values
        answers[f"{mode}: the usual velocities"] = usual
        other = ((v - usual).abs() > 1e-3).any(-1)
        answers[f"{mode}: share of others"] = other.double().mean()
    return answers


# Two answers that drop alike drop the same share of 400 samples, as closely as chance allows.
rule(no_label_is_dropped, Criterion(ROUNDED, close(0.12)))


@asks("ConditionalDiT")
def large_velocities_are_not_clamped(step, g):
    model = small(step, g)
    with torch.no_grad():
        model.head.weight.mul_(30)
    return {"v": model(*inputs(g))}


rule(large_velocities_are_not_clamped, Criterion(ROUNDED))


@asks("ConditionalDiT")
def labels_that_do_not_exist_are_refused(step, g):
    answers, model = {}, small(step, g)
    x, t, _ = inputs(g, batch=3)
    for mode in ("train", "eval"):
        model.train(mode == "train")
        for y in BAD_MODEL_LABELS:
            answers[f"{mode}: {y}"] = tried(lambda y=y: model(x, t, torch.tensor(y)))
    return answers


rule(labels_that_do_not_exist_are_refused, BAD_LABELS)


@asks("ConditionalDiT")
def labels_of_another_shape_are_refused(step, g):
    answers, model = {}, small(step, g)
    for batch, wrong in BAD_LABEL_SHAPES.items():
        x, t, _ = inputs(g, batch=batch)
        for shape in wrong:
            y = torch.full(shape, 2)
            answers[f"B={batch}: {shape}"] = tried(lambda a=(x, t, y): model(*a))
    return answers


rule(labels_of_another_shape_are_refused, BAD_LABELS)


@asks("ConditionalDiT")
def images_of_another_shape_are_refused(step, g):
    model = small(step, g)
    _, t, y = inputs(g, batch=3)
    return {
        str(shape): tried(lambda shape=shape: model(torch.zeros(3, *shape), t, y))
        for shape in BAD_IMAGE_SHAPES
    }


rule(images_of_another_shape_are_refused, BAD_LABELS)
