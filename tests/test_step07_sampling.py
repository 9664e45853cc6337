"""Step 7: guided sampling."""

import math

import pytest
import torch

from kata.criteria.questions import (
    IMAGE_SHAPE,
    NOISE_SHAPE,
    PLACES,
    THERE,
    images,
    with_generators,
    with_the_global_one,
)
from kata.criteria.step07 import (
    CLASS_CASES,
    COST_SCALES,
    CPU_NAMES,
    GUIDANCE_CASES,
    LABEL_FORMS,
    LANDING_SCALES,
    LANDING_SHAPES,
    NULL_CLASSES,
    PATH_CASES,
    PATH_SHAPE,
    SAMPLER_NAMES,
    STEP_COUNTS,
    TOO_FEW_STEPS,
    WRONG_LABELS,
    called_by,
    draw,
    draw_by_default,
    some_labels,
    whole_path,
)
from kata.criteria.step07_laws import CLOUD_SHAPE, LAW_SCALES, MEAN_CASES, middle, widened
from kata.criteria.step07_noise import (
    BATCHES,
    LARGE_SHAPE,
    LINES_SHAPE,
    PAIRS_SHAPE,
    TAILS,
    joint,
    related,
    small_batches,
    tails,
    two_batches,
)
from kata.criteria.step07_sizes import (
    CLASSES_AND_IMAGES,
    LABEL_DTYPES,
    MANY_STEPS,
    NOISE_DTYPES,
    call_times,
    from_noise_of,
    many_images,
    with_labels_of,
)
from kata.criteria.step07_state import (
    STATES,
    calls_in_a_row,
    devices_of,
    drawn_from,
)
from kata.testing.assertions import (
    LABEL_ERRORS,
    check_close,
    check_count,
    check_raises,
    check_standard_normal,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.closed_forms import aim, guided_euler, guided_mean, guided_spread
from kata.testing.draws import check_draws
from kata.testing.models import LabelField, PointMass
from kata.testing.spies import Called, Elsewhere, TableModel, Unconditional, Watched

each_sampler = pytest.mark.parametrize("sampler", SAMPLER_NAMES)
each_step_count = pytest.mark.parametrize("num_steps", STEP_COUNTS)
JOINT = ("a sum near 0", "a squared norm above its median", "a difference near 0")

either_source = pytest.mark.parametrize("own", [True, False], ids=["generator", "global"])


@pytest.mark.parametrize(("mode", "autograd"), STATES)
@each_sampler
def test_the_models_state_is_left_as_it_was(step, sampler, mode, autograd):
    """The mode of every layer, frozen parameters, gradients and autograd are as they were."""
    model, noise, result, recording = drawn_from(step, sampler, generator(16), mode, autograd)
    called = f"{sampler} on a model in {mode}, with a frozen layer, autograd {'on' if autograd else 'off'}"
    check_that(
        model.inside[2].num_batches_tracked == 0,
        called=called,
        got="changed the running averages of a BatchNorm layer, which was called in train mode",
        must="every layer is in eval mode meanwhile",
        hint="model.eval() before the first step sets all layers at once",
    )
    check_that(
        recording == autograd and noise.requires_grad and noise.grad is None,
        called=called,
        got=f"left autograd {'on' if recording else 'off'}, or the noise without its graph",
        must="afterwards autograd and the noise are as they were before",
        hint="torch.no_grad() as a decorator or in a `with` ends by itself",
    )
    check_that(
        not result.requires_grad and not any(model.graphs[-1:]),
        called=f"{called}, with noise that requires gradients",
        got="recorded a graph through its steps",
        must="sampling needs no gradients, whatever the noise is",
        hint="put all steps under torch.no_grad()",
    )


@each_sampler
def test_no_graph_is_recorded(step, sampler):
    """Sampling records no gradients, and leaves parameters and autograd as they were."""
    model = Watched(images(generator(10), 4))
    with torch.enable_grad():
        result = draw(step, sampler, model, num_steps=3)
        recording = torch.is_grad_enabled()
    check_tensor(result, (6, *IMAGE_SHAPE), called=sampler, must="it returns the images")
    check_that(
        not result.requires_grad and not any(model.graphs),
        called=f"{sampler} outside of torch.no_grad()",
        got="recorded a graph through its steps",
        must="sampling needs no gradients, and a graph through all steps fills the memory",
        hint="put all steps under torch.no_grad()",
    )
    check_that(
        recording and all(p.requires_grad for p in model.parameters()),
        called=f"{sampler} outside of torch.no_grad()",
        got="left autograd, or the parameters' requires_grad, switched off",
        must="afterwards everything is as it was: the caller may be training the model",
        hint="torch.no_grad() as a decorator or in a `with` ends by itself",
    )


@each_sampler
@pytest.mark.parametrize("training", [True, False])
def test_eval_mode_meanwhile_and_the_old_mode_afterwards(step, sampler, training):
    """Samplers call the whole model in eval mode, and then restore the mode that they found."""
    model = Watched(images(generator(9), 4)).train(training)
    draw(step, sampler, model, num_steps=2)
    check_that(
        model.modes and not any(model.modes + model.layer_training),
        called=f"{sampler} on a model in {'train' if training else 'eval'} mode",
        got="called the model, or a layer inside, in train mode",
        must="sampling happens in eval mode: dropout must not disturb it",
        hint="model.eval() before the first step sets all layers at once",
    )
    check_that(
        all(module.training == training for module in model.modules()),
        called=f"{sampler} on a model in {'train' if training else 'eval'} mode",
        got=f"left the model, or a layer inside, in {'eval' if training else 'train'} mode",
        must="afterwards the model is in the mode it was in before: the caller may be training it",
        hint="store model.training first, and restore it with model.train(...) at the end",
    )


@pytest.mark.parametrize(("mode", "autograd"), STATES)
@each_sampler
def test_every_layer_is_in_eval_mode_meanwhile(step, sampler, mode, autograd):
    """Whatever mode the model and its layers were in, the model is called in eval mode."""
    model = drawn_from(step, sampler, generator(17), mode, autograd)[0]
    check_that(
        model.calls and not model.in_train_mode,
        called=f"{sampler} on a model in {mode}",
        got=f"called it with layers in train mode: {', '.join(sorted(set(model.in_train_mode)))}"
        if model.calls
        else "never called the model",
        must="every layer is in eval mode meanwhile",
        hint="model.eval() sets all layers at once; call it whatever model.training says",
    )


@each_sampler
def test_given_noise_is_the_starting_point(step, sampler):
    """Sampling starts from the given noise as it is, and does not change it."""
    noise = images(generator(3), 6)
    with unchanged(f"{sampler} with noise given", noise=noise):
        model = called_by(step, sampler, num_steps=2, noise=noise)
    check_close(
        model.starts,
        torch.unique(noise, dim=0),
        called=f"{sampler} with noise given, and looked at the images that the model got at t = 1",
        must="they are the given noise",
        hint="draw noise only if none is given, and neither scale nor clamp it",
    )


@each_step_count
@pytest.mark.parametrize("shape", LANDING_SHAPES)
def test_sample_lands_on_the_image_of_the_null_class(step, num_steps, shape):
    """If the null class is one image, Euler's method ends exactly on it, in any number of steps."""
    mu = images(generator(0), 4, shape)
    check_close(
        step.sample(PointMass(mu), 6, shape, num_steps, num_classes=3),
        mu[-1:].expand(6, *shape),
        called=f"sample(model, 6, {shape}, num_steps={num_steps}), with velocities that all point away from one image",
        must="x <- x - dt v with dt = 1 / num_steps, at t = 1, ..., dt, ends on that image; nothing is clamped",
        hint="check the sign of the step, the times and dt; model(x, t) alone means the null class",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("scale", LANDING_SCALES)
@pytest.mark.parametrize(("num_steps", "num_classes", "shape"), GUIDANCE_CASES)
def test_guidance_lands_where_the_formula_says(step, scale, num_steps, num_classes, shape):
    """Euler ends on mu_u + w (mu_c - mu_u) for each sample's own label, also for the null class."""
    model = PointMass(images(generator(num_classes), num_classes + 1, shape))
    labels = some_labels(num_classes, shape)
    labels[1] = num_classes
    check_close(
        step.sample_conditional(model, labels, shape, num_steps, scale, num_classes=num_classes),
        aim(model, labels, scale),
        called=f"sample_conditional(model, {labels.tolist()}, {shape}, {num_steps}, cfg_scale={scale}, "
        f"num_classes={num_classes}), with one image mu per class",
        must="image i is mu_u + w (mu_c - mu_u) with c = class_labels[i] and u the null class",
        hint="one guided velocity per step, in every step, with the scale as given; clamp nothing",
        tolerance=1e-4,
    )


@pytest.mark.parametrize(("num_steps", "scale"), PATH_CASES)
def test_the_whole_path_is_eulers(step, scale, num_steps):
    """On a velocity that mixes image, time and label, the path from given noise is Euler's."""
    model, noise, labels = whole_path(generator(1))
    labels[2] = 3  # the null class
    check_close(
        step.sample_conditional(
            model, labels, PATH_SHAPE, num_steps, scale, num_classes=3, noise=noise
        ),
        guided_euler(model, noise, labels, scale, num_steps),
        called=f"sample_conditional(model, {labels.tolist()}, {PATH_SHAPE}, {num_steps}, cfg_scale={scale}, "
        "noise=noise)",
        must="from x = noise, num_steps times x <- x - dt v(x, t), the guided velocity at t = 1, 1 - dt, ..., dt",
        hint="use the same dt in every step and the new x in every call; clamp nothing, add nothing",
        tolerance=1e-4,
    )


@each_step_count
def test_the_whole_path_of_sample_is_eulers(step, num_steps):
    """`sample` takes the same steps, with model(x, t)."""
    model, noise, _ = whole_path(generator(2))
    check_close(
        step.sample(model, 5, PATH_SHAPE, num_steps, num_classes=3, noise=noise),
        guided_euler(model, noise, torch.full((5,), 3), 1.0, num_steps),
        called=f"sample(model, 5, {PATH_SHAPE}, {num_steps}, num_classes=3, noise=noise)",
        must="from x = noise, num_steps times x <- x - dt model(x, t), at t = 1, 1 - dt, ..., dt",
        hint="use the same dt in every step and the new x in every call; clamp nothing, add nothing",
        tolerance=1e-4,
    )


@each_step_count
@each_sampler
def test_times_go_from_one_to_dt(step, sampler, num_steps):
    """The model is evaluated at t = 1, 1 - dt, ..., dt; never at 0, where sampling ends."""
    times = called_by(step, sampler, num_steps=num_steps).times
    expected = [round(1 - i / num_steps, 4) for i in range(num_steps)]
    check_that(
        times == expected,
        called=f"{sampler} with num_steps={num_steps}",
        got=f"evaluated the model at the times {times}",
        must=f"dt = 1 / num_steps, so the times are {expected}",
        hint="step i starts at time i; count i from 0",
    )


@each_sampler
def test_cost_in_samples_evaluated(step, sampler):
    """A step evaluates B samples without guidance and at the scales 0 and 1, else 2B."""
    for scale in COST_SCALES:
        guidance = {} if sampler == "sample" else {"cfg_scale": scale}
        evaluated = called_by(step, sampler, num_steps=3, **guidance).evaluated
        expected = 3 * 6 * (1 if sampler == "sample" or scale in (0, 1) else 2)
        check_that(
            evaluated == expected,
            called=f"{sampler} for 6 images in 3 steps{f' at w = {scale}' if guidance else ''}",
            got=f"evaluated the model on {evaluated} samples",
            must=f"it costs {expected}: one velocity per sample and step, or two if guidance needs both",
            hint="no evaluation before or after the steps; step 3 already looks at the scale",
        )


@pytest.mark.parametrize("scale", LAW_SCALES)
def test_spreads_multiply(step, scale):
    """Between Gaussian clouds at one place, guided samples have the spread s_c^w s_u^(1 - w).

    The spread is the slope between two starting points, extrapolated to infinitely many steps.
    """
    world, (coarse, fine) = widened(step, generator(23), scale)
    expected = torch.tensor([guided_spread(world, label, scale) for label in range(3)])
    check_close(
        (2 * fine - coarse) / expected,
        torch.ones(3),
        called=f"sample_conditional from two starting points, at w = {scale}, with Gaussian clouds as classes",
        must="the ends are s_c^w s_u^(1 - w) times as far apart as the starting points",
        hint="the whole scale in every step from t = 1 to t = dt",
        tolerance=5e-3,
    )


@pytest.mark.parametrize(("num_steps", "scale"), MEAN_CASES)
def test_means_are_extrapolated(step, num_steps, scale):
    """Between Gaussian clouds of one spread, the mean is m_u + w (m_c - m_u) in any N steps."""
    world, mean = middle(step, generator(24), num_steps, scale)
    check_close(
        mean,
        torch.stack([guided_mean(world, label, scale) for label in range(3)]),
        called=f"sample_conditional from noise and from its mirror image, in {num_steps} steps at w = {scale}, "
        "with Gaussian clouds as classes",
        must="the mean of the two is m_u + w (m_c - m_u)",
        hint="the whole scale in every step from t = 1 to t = dt",
        tolerance=1e-4,
    )


def test_twice_the_steps_halve_the_error(step):
    """Euler's method has order one: with twice as many steps half of the error is left."""
    world, (coarse, fine) = widened(step, generator(25), 2)
    exact = torch.tensor([guided_spread(world, label, 2) for label in range(3)])
    check_close(
        (coarse - exact) / (fine - exact),
        torch.full((3,), 2.0),
        called=f"sample_conditional in 48 and in 96 steps, on images of shape {CLOUD_SHAPE}",
        must="48 steps are twice as far off the exact spread as 96 steps",
        hint="dt = 1 / num_steps, and the velocity is taken where and when the step begins",
        tolerance=0.05,
    )


@each_sampler
@either_source
def test_noise_is_standard_normal(step, sampler, own):
    """Without given noise, N(0, 1) is drawn; the test fails by chance once in 10^9 runs."""
    source = generator(fresh_seed()) if own else None
    check_standard_normal(
        called_by(step, sampler, shape=NOISE_SHAPE, generator=source).starts,
        called=f"{sampler} without noise, and looked at the numbers that the model got at t = 1",
        hint="torch.randn draws from N(0, 1); use it as it is",
    )


@each_sampler
@either_source
def test_every_sample_has_noise_of_its_own(step, sampler, own):
    """No two samples, channels or lines of the starting noise are the same."""
    torch.manual_seed(1)
    starts = called_by(step, sampler, generator=generator(1) if own else None).starts
    lines = len(torch.unique(starts.flatten(0, -2), dim=0))
    check_that(
        lines == 6 * 3 * 4,
        called=f"{sampler} for 6 images of shape {IMAGE_SHAPE}, without noise",
        got=f"started from {lines} different lines of pixels",
        must=f"all {6 * 3 * 4} lines of the noise differ: every sample and channel has noise of its own",
        hint="draw the whole batch at once, in the shape (B, C, H, W); do not expand",
    )


@each_sampler
def test_noise_has_the_tails_of_a_normal(step, sampler):
    """As many numbers lie beyond 2, 3 and 4 as in N(0, 1); fails by chance once in 10^9 runs."""
    found = tails(step, sampler, generator(fresh_seed()))
    for count, (distance, share) in zip(found, TAILS.items(), strict=True):
        check_count(
            count,
            12 * math.prod(LARGE_SHAPE),
            share,
            called=f"{sampler} without noise, and looked at the numbers that the model got at t = 1",
            what=f"numbers of the noise are more than {distance} away from 0",
            must="the noise is drawn from N(0, 1), as it is: not cut off, not clamped",
            hint="torch.randn draws from N(0, 1); use it as it is",
            parts=len(TAILS),
        )


@each_sampler
def test_no_two_images_share_their_noise(step, sampler):
    """Noises of images, channels and neighbouring pixels are unrelated, in a call and between
    calls; fails by chance once in 10^9 runs.
    """
    noise = two_batches(step, sampler, generator(fresh_seed()))
    for what, count in related(noise).items():
        check_that(
            count == 0,
            called=f"{sampler} for 6 images of shape {PAIRS_SHAPE}, twice, and looked at the noise",
            got=f"{count} pairs of {what} have noise that is related: they share a part of it",
            must="all numbers are independent draws from N(0, 1)",
            hint="torch.randn for the whole batch, at every call anew; mix, expand and repeat nothing",
        )


@each_sampler
@either_source
def test_noise_is_independent(step, sampler, own):
    """Every number of the noise is independent of the others, of its image, batch and call.

    Sums and norms are as often above their median as below. Fails by chance once in 10^9 runs.
    """
    seed = fresh_seed()
    counts = joint(small_batches(step, sampler, generator(seed) if own else None))
    for whole, trials in {"batches": BATCHES, "images": 6 * BATCHES, "lines": 18 * BATCHES}.items():
        for count, what in zip(counts[whole], JOINT, strict=False):
            check_count(
                count,
                trials,
                0.5,
                called=f"{sampler} for 6 images of shape {LINES_SHAPE}, {BATCHES} times in a row with one "
                f"{'generator' if own else 'global generator'}, and looked at the noise",
                what=f"{whole} have {what}",
                must="all numbers are independent draws from N(0, 1), so half of them have it",
                hint="torch.randn for the whole batch, at every call anew; standardise, mirror and sort nothing",
                parts=7,
            )


@each_sampler
def test_generator_decides_the_result(step, sampler):
    """The same seed gives the same images, another seed others, without the global generator."""
    model = LabelField(3, 3)
    check_draws(
        with_generators(lambda own: draw(step, sampler, model, generator=own), generator(4)),
        (6, *IMAGE_SHAPE),
        called=f"{sampler} with a generator",
        hint="pass the generator on to where the noise is drawn, as generator=generator",
    )


@each_sampler
def test_without_a_generator_the_global_one_is_used(step, sampler):
    """The caller's torch.manual_seed decides the noise; the sampler itself never seeds."""
    model = LabelField(3, 3)
    check_draws(
        with_the_global_one(lambda own: draw(step, sampler, model)),
        (6, *IMAGE_SHAPE),
        called=f"{sampler} without a generator",
        hint="torch.randn with generator=None, and no torch.manual_seed(): the caller chooses the seed",
    )


@each_sampler
def test_every_call_starts_anew(step, sampler):
    """A call depends on its arguments and on the model's weights of now, not on earlier calls."""
    labels = torch.tensor([0, 1, 2]).repeat(2)
    labels = {"sample": torch.full((6,), 3), "sample_each_class": labels.sort().values}.get(
        sampler, labels
    )
    for i, (model, noise, (num_steps, scale), result) in enumerate(
        calls_in_a_row(step, sampler, generator(18)), 1
    ):
        check_close(
            result,
            guided_euler(model, noise, labels, 1.0 if sampler == "sample" else scale, num_steps),
            called=f"{sampler} {i} times in a row, with other noise, numbers of steps, scales and weights",
            must=f"call {i} is Euler's path from its own noise, with the weights of now",
            hint="keep nothing between calls: no velocities, no noise, no labels",
            tolerance=1e-4,
        )


@pytest.mark.parametrize(("num_classes", "num_per_class"), CLASS_CASES)
def test_each_class_in_the_order_of_the_classes(step, num_classes, num_per_class):
    """n images of class 0 come first, then n of class 1, and so on, without the null class."""
    model = PointMass(images(generator(13), num_classes + 1))
    check_close(
        step.sample_each_class(model, num_per_class, IMAGE_SHAPE, 2, 1.5, num_classes=num_classes),
        aim(model, [label for label in range(num_classes) for _ in range(num_per_class)], 1.5),
        called=f"sample_each_class(model, {num_per_class}, {IMAGE_SHAPE}, 2, cfg_scale=1.5, "
        f"num_classes={num_classes})",
        must=f"image i shows class i // {num_per_class} of 0 .. {num_classes - 1}, guided with cfg_scale",
        hint="labels 0, 0, 1, 1, ... and not 0, 1, ..., 0, 1, ...",
        tolerance=1e-4,
    )


def test_each_class_follows_the_given_noise(step):
    """Image i of `sample_each_class` starts from noise[i]."""
    model, noise = LabelField(3, 3), images(generator(14), 6)
    check_close(
        draw(step, "sample_each_class", model, num_steps=3, cfg_scale=4.0, noise=noise),
        guided_euler(model, noise, torch.tensor([0, 0, 1, 1, 2, 2]), 4.0, 3),
        called="sample_each_class(model, 2, ..., num_steps=3, cfg_scale=4.0, num_classes=3, noise=noise)",
        must="image i starts from noise[i]",
        hint="pass everything on to sample_conditional, by name",
        tolerance=1e-4,
    )


@each_sampler
def test_defaults(step, sampler):
    """The defaults are 50 steps, 10 classes, scale 4, and one image of (1, 28, 28) per class."""
    model, result = draw_by_default(step, sampler, generator(15))
    labels, scale, cost = {
        "sample": ([10, 10], 1.0, 100),
        "sample_conditional": ([9, 0], 4.0, 200),
        "sample_each_class": (list(range(10)), 4.0, 1000),
    }[sampler]
    check_close(
        result,
        aim(model, labels, scale),
        called=f"{sampler} with every default",
        must="cfg_scale=4.0, num_classes=10; for sample_each_class num_per_class=1, image_shape=(1, 28, 28)",
        hint="the defaults are in the signature",
        tolerance=1e-4,
    )
    check_that(
        model.evaluated == cost,
        called=f"{sampler} with every default, for {len(labels)} images",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"num_steps=50, so it costs {cost}",
        hint="the defaults are in the signature",
    )


@pytest.mark.parametrize("num_steps", MANY_STEPS)
@each_sampler
def test_many_steps_are_as_many_evaluations(step, sampler, num_steps):
    """N steps are N evaluations, the first at 1 and the last at dt, also if N is 49 or 103."""
    times = call_times(step, sampler, num_steps)
    samples = 6 * num_steps
    check_that(
        len(times) == samples,
        called=f"{sampler} for 6 images in {num_steps} steps, without guidance",
        got=f"evaluated {len(times):,} samples",
        must=f"{num_steps} steps evaluate {samples:,} samples",
        hint="count steps by integers, range(num_steps); arange(1, 0, -dt) has one too many for some N",
    )
    check_close(
        times.sort(descending=True).values,
        1 - torch.arange(num_steps).repeat_interleave(6) / num_steps,
        called=f"{sampler} for 6 images in {num_steps} steps",
        must="step i is at t = 1 - i / num_steps",
        hint="do not round times, and take steps of one length",
        tolerance=1e-4,
    )


@pytest.mark.parametrize(("num_classes", "n"), CLASSES_AND_IMAGES)
@each_sampler
def test_hundreds_of_images(step, sampler, num_classes, n):
    """300 images and more, of up to 300 classes, follow their own path like a handful."""
    model, noise, labels, result = many_images(step, sampler, generator(20), num_classes, n)
    check_close(
        result,
        guided_euler(model, noise, labels, 1.0 if sampler == "sample" else 4.0, 2),
        called=f"{sampler} for {len(noise)} images of {num_classes} classes",
        must="every image follows its own path from noise[i], as in a small batch",
        hint="labels need int64; if you split the batch, forget no part of it",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("labels", LABEL_FORMS, ids=str)
def test_labels_as_tensor_list_or_number(step, labels):
    """Labels can be a tensor, which is not changed, a list, or one number for one image."""
    model, y = PointMass(images(generator(5), 4)), torch.as_tensor(labels)
    with unchanged(f"sample_conditional(model, {labels}, ...)", class_labels=y):
        result = step.sample_conditional(
            model, labels, image_shape=IMAGE_SHAPE, num_steps=2, cfg_scale=1.5, num_classes=3
        )
    check_close(
        result,
        aim(model, y.reshape(-1), 1.5),
        called=f"sample_conditional(model, class_labels={labels}, ..., num_classes=3)",
        must="it returns one image per label; a single number gives a batch of one image",
        hint="turn the labels into an int64 tensor of shape (B,)",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("dtype", LABEL_DTYPES, ids=str)
def test_labels_of_any_integer_dtype(step, dtype):
    """Labels of int8, uint8, int16 or int32 mean the same as labels of int64."""
    model, result = with_labels_of(step, generator(21), dtype)
    check_close(
        result,
        aim(model, [100, 0, 99], 4.0),
        called=f"sample_conditional with labels of {dtype}, num_classes=100",
        must="labels may have any integer dtype; the model gets int64",
        hint="labels.to(torch.int64)",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_classes", NULL_CLASSES)
def test_null_class_is_a_label_like_any_other(step, num_classes):
    """K is a valid label, for no particular class: it leads to the image of the null class."""
    model = PointMass(images(generator(6), num_classes + 1))
    called = f"sample_conditional with label {num_classes}"
    try:
        result = step.sample_conditional(
            model, [num_classes], IMAGE_SHAPE, 2, num_classes=num_classes
        )
    except (IndexError, ValueError, TypeError) as error:
        result = error
    check_that(
        not isinstance(result, Exception),
        called=f"{called} and num_classes={num_classes}",
        got=f"raised {type(result).__name__}: {result}",
        must=f"0 .. {num_classes} are valid labels; the last one is the null class",
        hint="the table has K + 1 rows",
    )
    check_close(
        result,
        aim(model, [num_classes], 4.0),
        called=f"{called} and num_classes={num_classes}, with one image per class",
        must="guidance from null to null leads to the image of the null class",
        hint="the null class is num_classes, not 10 and not the last real class",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("dtype", NOISE_DTYPES, ids=str)
@each_sampler
def test_noise_of_any_dtype_is_used_as_it_is(step, sampler, dtype):
    """Given noise is the starting point to the last bit, and the images have its dtype."""
    model, noise, result = from_noise_of(step, sampler, generator(22), dtype)
    called = f"{sampler} with noise of {dtype} and a model of that dtype"
    check_tensor(
        result,
        (6, *IMAGE_SHAPE),
        dtype,
        called=called,
        must="the images have the dtype of the noise",
        hint="x = noise.to(device), without a dtype",
    )
    check_that(
        torch.equal(model.starts, torch.unique(noise, dim=0)),
        called=called,
        got="first called the model with other images than the noise",
        must="sampling starts from the given noise as it is, to the last bit",
        hint="x = noise.to(device), without a dtype",
    )


@pytest.mark.parametrize("num_classes", [10, 3])
def test_sample_works_with_an_unconditional_model(step, num_classes):
    """`sample` calls model(x, t), so a model without labels works; num_classes has no effect."""
    model, (_, noise, _) = Unconditional(), whole_path(generator(11))
    result = step.sample(
        model,
        num_samples=5,
        image_shape=PATH_SHAPE,
        num_steps=3,
        num_classes=num_classes,
        noise=noise,
    )
    check_that(
        model.others == 0,
        called=f"sample on a model of x and t, with num_classes={num_classes}",
        got=f"gave the model {model.others} arguments besides x and t",
        must="it calls model(x, t)",
        hint="model(x, t), no label; of the model's attributes use only its parameters",
    )
    check_close(
        result,
        (noise - 6) / 27,
        called=f"sample on the model v = 2 x + t, in three steps, with num_classes={num_classes}",
        must="three times x <- x - (2 x + t) / 3, at t = 1, 2/3 and 1/3, leads from x to (x - 6) / 27",
        hint="model(x, t), no label; of the model's attributes use only its parameters",
    )


def test_device_is_that_of_the_model(step):
    """Images are on the first parameter's device; noise is drawn on the generator's, and moved."""
    devices, source = set(), generator(0)
    state = source.get_state()
    try:
        step.sample(Elsewhere(), 2, IMAGE_SHAPE, 2, generator=source)
    except Called as call:
        devices = set(call.args)
    except RuntimeError as error:
        if "meta tensor" not in str(error):
            raise
        return  # the step read a value of a tensor there, so the tensor was there
    check_that(
        devices == {"meta"} and not torch.equal(source.get_state(), state),
        called='sample on a model whose parameter is on the device "meta", with a generator on the CPU',
        got=f"called the model on tensors on {sorted(devices)}, or drew no noise from the generator",
        must="noise is drawn on the generator's device; images and times are on that of the first parameter",
        hint="draw with device=generator.device, then .to(device) with that of next(model.parameters())",
    )


@pytest.mark.parametrize(("home", "device"), PLACES)
@each_sampler
def test_everything_is_on_one_device(step, sampler, home, device):
    """Images, times and labels are on the model's device, or on the one asked for."""
    called = f'{sampler} with noise on the CPU, a model on "{home}", device={device!r}'
    try:
        found = devices_of(step, sampler, generator(19), home, device)
    except RuntimeError as error:
        if "same device" not in str(error):
            raise
        found = ["two devices at once"]
    check_that(
        found == [THERE],
        called=called,
        got=f"worked with tensors on {', '.join(found)}",
        must=f'images, times and labels are all on "{THERE}"',
        hint="move noise and labels with .to(device), and make the times there; hand `device` on",
    )


@each_sampler
@pytest.mark.parametrize("device", CPU_NAMES)
def test_device_by_name(step, sampler, device):
    """A device can be a string or a torch.device."""
    model, noise = LabelField(3, 3), images(generator(12), 6)
    check_close(
        draw(step, sampler, model, device=device, noise=noise),
        draw(step, sampler, model, noise=noise),
        called=f"{sampler} with device={device!r}",
        must="on the CPU it returns the same as with device=None",
        hint="torch.device(device) takes both",
    )


@pytest.mark.parametrize("labels", WRONG_LABELS, ids=str)
def test_bad_labels_are_refused(step, labels):
    """Labels outside 0 .. K, and labels that are not integers, raise an error."""
    model = TableModel(images(generator(7), 4))
    check_raises(
        LABEL_ERRORS,
        lambda: step.sample_conditional(model, labels, IMAGE_SHAPE, 1, num_classes=3),
        called=f"sample_conditional(model, {labels}, ..., num_classes=3)",
        must="labels are integers in 0 .. 3; others raise an IndexError, a ValueError or a TypeError",
        hint="check the dtype before you convert it to int64; do not clamp or wrap labels",
    )


@pytest.mark.parametrize("num_steps", TOO_FEW_STEPS)
@each_sampler
def test_no_steps_are_refused(step, sampler, num_steps):
    """num_steps below 1 is a ValueError, with and without given noise."""
    for noise in (images(generator(8), 6), None):
        check_raises(
            ValueError,
            lambda noise=noise: called_by(step, sampler, num_steps=num_steps, noise=noise),
            called=f"{sampler} with num_steps={num_steps}{'' if noise is None else ', noise=noise'}",
            must="num_steps below 1 is a ValueError: without a step the result would be noise",
            hint="check num_steps before the first step",
        )
