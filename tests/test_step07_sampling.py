"""Step 7: guided sampling."""

import pytest
import torch
from torch import nn

from kata.testing.assertions import (
    LABEL_ERRORS,
    check_close,
    check_raises,
    check_standard_normal,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.closed_forms import aim, guided_euler
from kata.testing.models import LabelField, PointMass

SAMPLERS = ["sample", "sample_conditional", "sample_each_class"]
SCALES = [-1, 0, 0.5, 1, 1.5, 4]
SHAPE = (1, 4, 6)
STEPS = [1, 2, 3, 4, 5]


def images(count, shape=SHAPE, seed=0):
    """Images whose pixels leave [-1, 1] more often than not."""
    return 3 * torch.randn(count, *shape, generator=generator(seed))


def ask(step, sampler, model, shape=SHAPE, **options):
    """Have one of the three samplers draw two images of each class (`sample`: as many), in one step by default."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    if sampler == "sample":
        return step.sample(model, 2 * model.num_classes, shape, **options)
    if sampler == "sample_conditional":
        labels = torch.arange(2 * model.num_classes) % model.num_classes
        return step.sample_conditional(model, labels, shape, **options)
    return step.sample_each_class(model, 2, shape, **options)


@pytest.mark.parametrize("num_steps", STEPS)
@pytest.mark.parametrize("shape", [(1, 4, 6), (3, 6, 5), (4, 5, 4)])
def test_sample_lands_on_the_image_of_the_null_class(step, num_steps, shape):
    """Where the null class is one single image, Euler lands exactly on it, in any number of steps."""
    mu = images(4, shape)
    check_close(
        step.sample(PointMass(mu), 6, shape, num_steps, num_classes=3),
        mu[-1:].expand(6, *shape),
        called=f"sample(model, 6, {shape}, num_steps={num_steps}), the velocities all pointing away from one image",
        must="x <- x - dt v with dt = 1 / num_steps, at t = 1, ..., dt, ends on that image; nothing is clamped",
        hint="mind the sign of the step, the times and dt; model(x, t) alone means the null class",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("num_steps", "num_classes", "shape"),
    [(1, 3, (1, 4, 6)), (2, 7, (3, 6, 5)), (3, 10, (4, 5, 4)), (5, 12, (1, 5, 3))],
)
def test_guidance_lands_where_the_formula_says(step, scale, num_steps, num_classes, shape):
    """Euler lands on mu_u + w (mu_c - mu_u), each sample on that of its own label, the null class included."""
    model = PointMass(images(num_classes + 1, shape, seed=num_classes))
    labels = torch.tensor([2, num_classes, 0, 2, 1, num_classes - 1])[: shape[-1]]
    check_close(
        step.sample_conditional(model, labels, shape, num_steps, scale, num_classes=num_classes),
        aim(model, labels, scale),
        called=f"sample_conditional(model, {labels.tolist()}, {shape}, {num_steps}, cfg_scale={scale}, "
        f"num_classes={num_classes}), each class one single image mu",
        must="image i is mu_u + w (mu_c - mu_u) with c = class_labels[i] and u the null class",
        hint="one guided velocity a step, at every step, with the scale as it was given; nothing is clamped",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_steps", STEPS)
@pytest.mark.parametrize("scale", SCALES)
def test_the_whole_path_is_eulers(step, scale, num_steps):
    """On a velocity that mixes image, time and label, the path from a given noise is that of Euler's method."""
    model, noise = LabelField(3, 3), images(5, (3, 4, 5))
    labels = torch.tensor([1, 0, 3, 2, 1])
    check_close(
        step.sample_conditional(
            model, labels, (3, 4, 5), num_steps, scale, num_classes=3, noise=noise
        ),
        guided_euler(model, noise, labels, scale, num_steps),
        called=f"sample_conditional(model, {labels.tolist()}, (3, 4, 5), {num_steps}, cfg_scale={scale}, noise=noise)",
        must="from x = noise, num_steps times x <- x - dt v(x, t), the guided velocity at t = 1, 1 - dt, ..., dt",
        hint="the same dt everywhere, the new x in every evaluation, nothing clamped, nothing added",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_steps", STEPS)
def test_the_whole_path_of_sample_is_eulers(step, num_steps):
    """`sample` walks the same way, on model(x, t)."""
    model, noise = LabelField(7, 3), images(4, (3, 5, 4))
    check_close(
        step.sample(model, 4, (3, 5, 4), num_steps, num_classes=7, noise=noise),
        guided_euler(model, noise, torch.full((4,), 7), 1.0, num_steps),
        called=f"sample(model, 4, (3, 5, 4), {num_steps}, noise=noise)",
        must="from x = noise, num_steps times x <- x - dt model(x, t), at t = 1, 1 - dt, ..., dt",
        hint="the same dt everywhere, the new x in every evaluation, nothing clamped, nothing added",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_steps", STEPS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_times_go_from_one_to_dt(step, sampler, num_steps):
    """The model is asked at t = 1, 1 - dt, ..., dt; never at 0, where the walk arrives."""
    model = LabelField(3, 1)
    ask(step, sampler, model, num_steps=num_steps)
    expected = [round(1 - i / num_steps, 4) for i in range(num_steps)]
    check_that(
        model.times == expected,
        called=f"{sampler} with num_steps={num_steps}",
        got=f"asked the model at the times {model.times}",
        must=f"dt = 1 / num_steps, so the times are {expected}",
        hint="the i-th time is that at which the i-th step starts, i counting from 0",
    )


@pytest.mark.parametrize(
    ("scale", "share"), [(0, 1), (0.0, 1), (1, 1), (1.0, 1), (-1, 2), (0.5, 2), (4.0, 2)]
)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_cost_in_samples_evaluated(step, sampler, scale, share):
    """B samples a step without guidance and at the scales 0 and 1, else 2B."""
    model = LabelField(3, 1)
    guidance = {} if sampler == "sample" else {"cfg_scale": scale}
    ask(step, sampler, model, num_steps=3, **guidance)
    expected = 3 * 6 * (1 if sampler == "sample" else share)
    check_that(
        model.evaluated == expected,
        called=f"{sampler} for 6 images in 3 steps{f' at w = {scale}' if guidance else ''}",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"it costs {expected}: one velocity a sample and step, two where both are really needed",
        hint="no evaluation before or after the walk; step 3 already looks at the scale",
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_given_noise_is_the_starting_point(step, sampler):
    """The walk starts from the noise that was given, as it is, and does not change it."""
    model, noise = LabelField(3, 1), images(6)
    with unchanged(f"{sampler} with noise given", noise=noise):
        ask(step, sampler, model, num_steps=2, noise=noise)
    check_close(
        model.starts,
        torch.unique(noise, dim=0),
        called=f"{sampler} with noise given, and looked at the images that the model saw at t = 1",
        must="they are the noise that was given",
        hint="draw noise only where none is given, and neither scale nor clamp it",
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("own", [True, False])
def test_noise_is_standard_normal(step, sampler, own):
    """Without noise given, N(0, 1) is drawn; refused by chance once in 10^9 runs."""
    seed, model = fresh_seed(), LabelField(3, 3)
    ask(step, sampler, model, (3, 30, 40), generator=generator(seed) if own else None)
    check_standard_normal(
        model.starts,
        called=f"{sampler} without noise, and looked at the numbers that the model saw at t = 1",
        hint="torch.randn draws from N(0, 1); use it as it is",
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("own", [True, False])
def test_every_sample_has_noise_of_its_own(step, sampler, own):
    """No two samples, channels or lines of the starting noise are the same."""
    model = LabelField(3, 3)
    torch.manual_seed(1)
    ask(step, sampler, model, (3, 4, 5), generator=generator(1) if own else None)
    lines = len(torch.unique(model.starts.reshape(-1, 5), dim=0))
    check_that(
        lines == 6 * 3 * 4,
        called=f"{sampler} for 6 images of shape (3, 4, 5), without noise",
        got=f"started from {lines} different lines of pixels",
        must=f"all {6 * 3 * 4} lines of the noise are different: it is drawn anew for every sample and channel",
        hint="draw the whole batch at once, in the shape (B, C, H, W); do not expand",
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_generator_decides_the_result(step, sampler):
    """The same seed gives the same images, another seed others, and the global generator is left alone."""
    model, state = LabelField(3, 1), torch.get_rng_state()
    first, again, other = (
        ask(step, sampler, model, generator=generator(seed)) for seed in (5, 5, 6)
    )
    check_tensor(first, (6, *SHAPE), called=sampler, must="it returns the images")
    check_close(
        again,
        first,
        called=f"{sampler} twice, with a generator of the same seed",
        must="the same seed gives the same images",
        hint="every draw takes generator=generator",
    )
    check_that(
        not torch.equal(first, other),
        called=f"{sampler} with generators of two different seeds",
        got="returned the same images",
        must="the generator decides the noise",
        hint="hand the generator on to where the noise is drawn",
    )
    check_that(
        torch.equal(state, torch.get_rng_state()),
        called=f"{sampler} with a generator",
        got="changed the state of torch's global generator",
        must="with a generator given, the global one is neither used nor reseeded",
        hint="no torch.manual_seed() here, and every draw takes generator=generator",
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_without_a_generator_the_global_one_is_used(step, sampler):
    """torch.manual_seed by the caller decides the noise; the sampler itself never reseeds."""
    model = LabelField(3, 1)
    torch.manual_seed(5)
    first, second = ask(step, sampler, model), ask(step, sampler, model)
    torch.manual_seed(5)
    again = ask(step, sampler, model)
    check_tensor(first, (6, *SHAPE), called=sampler, must="it returns the images")
    check_close(
        again,
        first,
        called=f"torch.manual_seed(5) and {sampler}, twice",
        must="without a generator the noise comes from torch's global one, so the images are the same",
        hint="torch.randn with generator=None does so; NumPy's random numbers do not",
    )
    check_that(
        not torch.equal(first, second),
        called=f"{sampler} twice in a row, without a generator",
        got="returned the same images twice",
        must="the second call draws new noise",
        hint="no torch.manual_seed() in the sampler: the seed is the caller's business",
    )


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (torch.tensor([2, 0, 3]), [2, 0, 3]),
        ([2, 0, 3], [2, 0, 3]),
        (torch.tensor([1]), [1]),
        ([1], [1]),
        (2, [2]),
        (torch.tensor(2), [2]),
        (0, [0]),
    ],
)
def test_labels_as_tensor_list_or_number(step, labels, classes):
    """Labels come as a tensor, a list, or one number for one image; a tensor of them is not changed."""
    model, y = PointMass(images(4)), torch.as_tensor(labels)
    with unchanged(f"sample_conditional(model, {labels}, ...)", class_labels=y):
        result = step.sample_conditional(
            model,
            y if isinstance(labels, torch.Tensor) else labels,
            image_shape=SHAPE,
            num_steps=2,
            cfg_scale=1.5,
            num_classes=3,
        )
    check_close(
        result,
        aim(model, classes, 1.5),
        called=f"sample_conditional(model, class_labels={labels}, ..., num_classes=3)",
        must="one image for every label, in a batch of one where it is a single number",
        hint="make an int64 tensor of shape (B,) of whatever comes",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_classes", [3, 12])
def test_null_class_is_a_label_like_any_other(step, num_classes):
    """K as a label is valid, asks for no class in particular, and leads to the image of the null class."""
    model, called = (
        PointMass(images(num_classes + 1)),
        f"sample_conditional with label {num_classes}",
    )
    try:
        result = step.sample_conditional(model, [num_classes], SHAPE, 2, num_classes=num_classes)
    except (IndexError, ValueError, TypeError) as error:
        result = error
    check_that(
        not isinstance(result, Exception),
        called=f"{called} and num_classes={num_classes}",
        got=f"raised {type(result).__name__}: {result}",
        must=f"0 .. {num_classes} are valid labels, the last being the null class",
        hint="the table has K + 1 rows",
    )
    check_close(
        result,
        aim(model, [num_classes], 4.0),
        called=f"{called} and num_classes={num_classes}, each class one single image",
        must="guidance from null to null leads to the image of the null class",
        hint="the null class is num_classes, not 10 and not the last real class",
        tolerance=1e-4,
    )


class TableModel(PointMass):
    """Looks labels up in a table as an `nn.Embedding` does: those outside 0 .. K raise an IndexError."""

    def velocity(self, x, t, y):
        nn.functional.embedding(y, self.mu.flatten(1))
        return super().velocity(x, t, y)


@pytest.mark.parametrize(
    "labels",
    [
        *[4, -1, [0, 4], [0, -1], torch.tensor([-1, 2]), torch.tensor([1, 40])],
        *[1.5, [0.5, 1.5], torch.tensor(2.5), torch.tensor([0.5, 1.5])],
    ],
    ids=str,
)
def test_bad_labels_are_refused(step, labels):
    """Labels outside 0 .. K, and labels that are not integers, raise an error instead of drawing something."""
    check_raises(
        LABEL_ERRORS,
        lambda: step.sample_conditional(TableModel(images(4)), labels, SHAPE, 1, num_classes=3),
        called=f"sample_conditional(model, {labels}, ..., num_classes=3)",
        must="labels are integers in 0 .. 3; others raise an IndexError, a ValueError or a TypeError",
        hint="look at the dtype before you convert it to int64; do not clamp or wrap labels",
    )


@pytest.mark.parametrize("num_steps", [0, -1])
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("given", [True, False])
def test_no_steps_are_refused(step, sampler, num_steps, given):
    """num_steps below 1 is a ValueError, with and without noise given."""
    noise = images(6) if given else None
    check_raises(
        ValueError,
        lambda: ask(step, sampler, LabelField(3, 1), num_steps=num_steps, noise=noise),
        called=f"{sampler} with num_steps={num_steps}",
        must="num_steps below 1 is a ValueError: without a step the result would be noise",
        hint="look at num_steps before the walk begins",
    )


class Watched(PointMass):
    """Records, at every call, whether a layer inside is in train mode and whether x carries a graph."""

    def __init__(self, mu):
        super().__init__(mu)
        self.inside = nn.Sequential(nn.Dropout(0.5))
        self.layer_training, self.graphs = [], []

    def velocity(self, x, t, y):
        self.layer_training.append(self.inside[0].training)
        self.graphs.append(x.requires_grad)
        return super().velocity(x, t, y)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("training", [True, False])
def test_eval_mode_meanwhile_and_the_old_mode_afterwards(step, sampler, training):
    """The whole model is in eval mode while it is asked, and then again in the mode it was found in."""
    model = Watched(images(4)).train(training)
    ask(step, sampler, model, num_steps=2)
    check_that(
        model.modes and not any(model.modes + model.layer_training),
        called=f"{sampler} on a model in {'train' if training else 'eval'} mode",
        got="asked the model, or a layer inside, while it was in train mode",
        must="the model samples in eval mode: dropout must not disturb it",
        hint="model.eval() before the walk sets all layers at once",
    )
    check_that(
        all(module.training == training for module in model.modules()),
        called=f"{sampler} on a model in {'train' if training else 'eval'} mode",
        got=f"left it, or a layer inside, in {'eval' if training else 'train'} mode",
        must="afterwards the model is in the mode it was found in: somebody may be training it",
        hint="remember model.training first, and give it to model.train(...) at the end",
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_graph_is_recorded(step, sampler):
    """No gradients are recorded on the way; afterwards parameters and autograd are as they were."""
    model = Watched(images(4))
    with torch.enable_grad():
        result = ask(step, sampler, model, num_steps=3)
        recording = torch.is_grad_enabled()
    check_tensor(result, (6, *SHAPE), called=sampler, must="it returns the images")
    check_that(
        not result.requires_grad and not any(model.graphs),
        called=f"{sampler} outside of torch.no_grad()",
        got="recorded a graph through its steps",
        must="sampling needs no gradients, and a graph through all steps fills the memory",
        hint="put the walk under torch.no_grad()",
    )
    check_that(
        recording and all(p.requires_grad for p in model.parameters()),
        called=f"{sampler} outside of torch.no_grad()",
        got="left autograd, or the parameters' requires_grad, switched off",
        must="afterwards everything is as it was: somebody may be training the model",
        hint="torch.no_grad() as a decorator or in a `with` ends by itself",
    )


class Plain(nn.Module):
    """An unconditional model, which takes x and t and nothing else: v = 2 x + t."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(2.0))

    def forward(self, x, t, *others, **named):
        if others or named:
            raise AssertionError(
                "sample called the model with more than x and t: model(x, t) it is."
            )
        return self.slope * x + t.to(x.dtype).view(-1, 1, 1, 1)


@pytest.mark.parametrize("num_classes", [10, 3])
def test_sample_works_with_an_unconditional_model(step, num_classes):
    """`sample` calls model(x, t), so that a model without labels works; num_classes changes nothing."""
    noise = images(4, (3, 5, 4))
    check_close(
        step.sample(
            Plain(),
            num_samples=4,
            image_shape=(3, 5, 4),
            num_steps=2,
            num_classes=num_classes,
            noise=noise,
        ),
        -0.25 * torch.ones(4, 3, 5, 4),
        called=f"sample on the model v = 2 x + t, in two steps, num_classes={num_classes}",
        must="x - (2 x + 1) / 2 = -0.5, and then -0.5 - (2 (-0.5) + 0.5) / 2 = -0.25",
        hint="model(x, t), no label, no attribute of the model but its parameters",
    )


class Asked(Exception):
    """Ends a walk at the first evaluation."""


class Elsewhere(nn.Module):
    """Its parameter lies on the device "meta", where tensors have no values; it tells where its arguments are."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, device="meta"))

    def forward(self, x, t):
        raise Asked({x.device.type, t.device.type})


def test_device_is_that_of_the_model(step):
    """device=None is the device of the model's first parameter; noise is drawn where the generator is, and moved."""
    devices, source = set(), generator(0)
    state = source.get_state()
    try:
        step.sample(Elsewhere(), 2, SHAPE, 2, generator=source)
    except Asked as asked:
        devices = asked.args[0]
    except RuntimeError as error:
        if "meta tensor" not in str(error):
            raise
        return  # a value was asked of a tensor there, so it was there
    check_that(
        devices == {"meta"} and not torch.equal(source.get_state(), state),
        called='sample on a model whose parameter lies on the device "meta", with a generator on the CPU',
        got=f"asked the model about tensors on {sorted(devices)}, or drew no noise from the generator",
        must="noise is drawn on the generator's device; images and times are where the first parameter is",
        hint="draw with device=generator.device, then .to(device) with that of next(model.parameters())",
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_device_by_name(step, sampler, device):
    """A device may be named by a string or a torch.device."""
    model, noise = LabelField(3, 1), images(6)
    check_close(
        ask(step, sampler, model, device=device, noise=noise),
        ask(step, sampler, model, noise=noise),
        called=f"{sampler} with device={device!r}",
        must="on the CPU it is what it is with device=None",
        hint="torch.device(device) takes both",
    )


@pytest.mark.parametrize("num_classes", [3, 7, 12])
@pytest.mark.parametrize("num_per_class", [1, 2, 3])
def test_each_class_in_the_order_of_the_classes(step, num_classes, num_per_class):
    """n images of class 0, then n of class 1, and so on, without the null class."""
    model = PointMass(images(num_classes + 1, (3, 3, 4)))
    check_close(
        step.sample_each_class(model, num_per_class, (3, 3, 4), 2, 1.5, num_classes=num_classes),
        aim(model, [label for label in range(num_classes) for _ in range(num_per_class)], 1.5),
        called=f"sample_each_class(model, {num_per_class}, (3, 3, 4), 2, cfg_scale=1.5, num_classes={num_classes})",
        must=f"image i is of class i // {num_per_class}, for the classes 0 .. {num_classes - 1}, guided as asked",
        hint="labels 0, 0, 1, 1, ... and not 0, 1, ..., 0, 1, ...",
        tolerance=1e-4,
    )


def test_each_class_follows_the_given_noise(step):
    """Image i of `sample_each_class` starts from noise[i]."""
    model, noise = LabelField(3, 1), images(6)
    check_close(
        step.sample_each_class(model, 2, SHAPE, 3, 4.0, num_classes=3, noise=noise),
        guided_euler(model, noise, torch.tensor([0, 0, 1, 1, 2, 2]), 4.0, 3),
        called="sample_each_class(model, 2, ..., num_steps=3, cfg_scale=4.0, num_classes=3, noise=noise)",
        must="image i starts from noise[i]",
        hint="hand everything on to sample_conditional, by name",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_defaults(step, sampler):
    """50 steps, 10 classes, scale 4, and for each class one image of shape (1, 28, 28)."""
    shape = (1, 28, 28) if sampler == "sample_each_class" else SHAPE
    model = PointMass(images(11, shape))
    if sampler == "sample":
        result, expected, cost = step.sample(model, 2, shape), aim(model, [10, 10], 1.0), 100
    elif sampler == "sample_conditional":
        result = step.sample_conditional(model, [9, 0], shape)
        expected, cost = aim(model, [9, 0], 4.0), 200
    else:
        result = step.sample_each_class(model)
        expected, cost = aim(model, list(range(10)), 4.0), 1000
    check_close(
        result,
        expected,
        called=f"{sampler} with every default",
        must="cfg_scale=4.0, num_classes=10; for sample_each_class num_per_class=1, image_shape=(1, 28, 28)",
        hint="the defaults stand in the signature",
        tolerance=1e-4,
    )
    check_that(
        model.evaluated == cost,
        called=f"{sampler} with every default, for {len(expected)} images",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"num_steps=50, so it costs {cost}",
        hint="the defaults stand in the signature",
    )
