"""Step 9: three sampling modes."""

import pytest
import torch

from kata.criteria.questions import (
    IMAGE_SHAPE,
    PLACES,
    THERE,
    devices_met,
    images,
    noise_counts,
    traces_from,
    with_generators,
    with_the_global_one,
)
from kata.criteria.step09 import MODE_CASES, MODES, WALKS, draw_modes, rows
from kata.criteria.step09_edges import (
    DTYPES,
    STATES,
    drawn_twice,
    in_a_world,
    mirrored,
    started,
    typed,
    world_of,
)
from kata.testing.assertions import (
    check_close,
    check_raises,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.closed_forms import aim, guided_euler, guided_mean, guided_spread
from kata.testing.draws import check_draws, check_noise
from kata.testing.models import LabelField, PointMass


def check_names(result, called):
    """Fail unless the result is a dict with the names of the three modes."""
    check_that(
        isinstance(result, dict) and set(result) == set(MODES),
        called=called,
        got=f"returned {sorted(result) if isinstance(result, dict) else type(result).__name__}",
        must=f"it is a dict with exactly the names {', '.join(MODES)}",
        hint="return a dict",
    )


def check_modes(result, expected, called, hint):
    """Compare the three entries of the dict with the expected images."""
    check_names(result, called)
    for mode, must in (
        ("unconditional", "the null class, w = 1"),
        ("conditional", "the target class, w = 1"),
        ("guided", "the target class, guided with cfg_scale"),
    ):
        check_close(
            result[mode],
            expected[mode],
            called=f'{called}, and looked at "{mode}"',
            must=f"it shows {must}, after num_steps steps from the noise that all modes share",
            hint=hint,
            tolerance=1e-4,
        )


def drawn_rows(step, model, **options):
    """Draw four samples per mode, and return them stacked; fail if they are not such images."""
    result = draw_modes(step, model, **options)
    check_names(result, "compare_modes")
    for mode in MODES:
        called = f'compare_modes(...)["{mode}"]'
        check_tensor(result[mode], (4, *IMAGE_SHAPE), called=called, must="it holds the images")
    return rows(result)


@pytest.mark.parametrize(("mode", "autograd"), STATES)
def test_model_is_left_as_it_was_found(step, mode, autograd):
    """Modes, gradients, frozen parameters and autograd stay as they are, whatever they were."""
    left = traces_from(
        lambda model: drawn_rows(step, model, num_steps=2), LabelField(3, 3), mode, autograd
    )
    wrong = [name for name, value in left.items() if value != name.endswith("kept")]
    check_that(
        not wrong,
        called=f"compare_modes on a model in {mode} mode, with autograd {'on' if autograd else 'off'}",
        got=f"did not treat the model like a sampler: {', '.join(wrong)}",
        must="all layers are in eval mode meanwhile, no graph is recorded, and all is put back",
        hint="sample_conditional does all of this; do nothing more to the model here",
    )


@pytest.mark.parametrize(("classes", "scale"), MODE_CASES)
def test_modes_lead_where_the_formula_says(step, classes, scale):
    """If each class is one image, the modes end on mu_u, mu_c and mu_u + w (mu_c - mu_u)."""
    target, num_classes = classes
    model = PointMass(images(generator(0), num_classes + 1))
    check_modes(
        step.compare_modes(
            model,
            target_class=target,
            num_samples=3,
            cfg_scale=scale,
            image_shape=IMAGE_SHAPE,
            num_steps=2,
            num_classes=num_classes,
        ),
        {
            "unconditional": aim(model, [num_classes] * 3, 1.0),
            "conditional": aim(model, [target] * 3, 1.0),
            "guided": aim(model, [target] * 3, scale),
        },
        f"compare_modes(model, {target}, cfg_scale={scale}, num_classes={num_classes}), "
        "with one image mu per class",
        "three calls of sample_conditional that differ only in label and scale",
    )


@pytest.mark.parametrize(("num_steps", "samples"), WALKS)
def test_sample_i_starts_from_noise_i(step, num_steps, samples):
    """In every mode, sample i is where Euler leads from noise[i]; the noise is not changed."""
    model, noise = LabelField(7, 3), images(generator(1), samples)
    with unchanged("compare_modes with noise given", noise=noise):
        result = step.compare_modes(
            model, 5, samples, 2.5, IMAGE_SHAPE, num_steps, num_classes=7, noise=noise
        )
    null, labels = torch.full((samples,), 7), torch.full((samples,), 5)
    check_modes(
        result,
        {
            "unconditional": guided_euler(model, noise, null, 1.0, num_steps),
            "conditional": guided_euler(model, noise, labels, 1.0, num_steps),
            "guided": guided_euler(model, noise, labels, 2.5, num_steps),
        },
        f"compare_modes(model, 5, {samples}, 2.5, {IMAGE_SHAPE}, {num_steps}, num_classes=7, noise=noise)",
        "pass noise and num_steps on to every call",
    )


@pytest.mark.parametrize("own", [True, False], ids=["generator", "global"])
def test_all_modes_start_from_the_same_noise(step, own):
    """There are N different starting images in total, not N per mode."""
    model = LabelField(3, 3)
    torch.manual_seed(1)
    draw_modes(step, model, generator=generator(1) if own else None)
    check_that(
        len(model.starts) == 4,
        called="compare_modes with num_samples=4, without noise",
        got=f"started from {len(model.starts)} different images",
        must="the three modes start from the same 4 images: column i has one starting point",
        hint="draw the noise once, in the shape (N, C, H, W), and give it to every call",
    )


def test_noise_is_standard_normal(step):
    """Noise is N(0, 1), each number on its own; the test fails by chance once in 10^9 runs."""
    fresh_seed()
    starts = started(step).starts
    called = "compare_modes with num_samples=300 and without noise"
    check_that(
        len(starts) == 300,
        called=called,
        got=f"started from {len(starts)} different images",
        must="every sample has noise of its own, and the three modes share it",
        hint="draw the noise once, in the shape (N, C, H, W)",
    )
    check_noise(
        noise_counts(starts),
        300,
        starts[0].numel(),
        called=f"{called}, and looked at the numbers that the model got at t = 1",
        hint="torch.randn draws from N(0, 1); use it as it is",
    )


def test_means_and_spreads_are_those_of_the_law(step):
    """On clouds of one spread all modes keep it; the guided mean is m_u + w (m_c - m_u)."""
    world, noise = world_of(generator(4)), mirrored(generator(5))
    called = "compare_modes on Gaussian clouds of spread 0.5, w = 3, 100 steps, two noises z and -z"
    result = in_a_world(step, world, noise)
    check_names(result, called)
    for mode, label, scale in (
        ("unconditional", 3, 1.0),
        ("conditional", 2, 1.0),
        ("guided", 2, 3.0),
    ):
        drawn = result[mode]
        words = {"called": f'{called}, and looked at "{mode}"'}
        check_tensor(drawn, (2, *IMAGE_SHAPE), **words, must="it holds the images")
        check_close(
            drawn.mean(0),
            guided_mean(world, label, scale),
            **words,
            must=f"the mean is m_u + {scale:g} (m - m_u), with m of class {label} (3 is null)",
            hint="three calls that differ only in label and scale",
        )
        check_close(
            (drawn[0] - drawn[1]).abs() / 2,
            torch.full(IMAGE_SHAPE, guided_spread(world, label, scale)),
            **words,
            must="the spread is that of the clouds: guidance between equal spreads only moves the mean",
            hint="nothing is normalised, clamped or rounded between noise and result",
            tolerance=0.02,
        )


def test_second_call_sees_new_weights(step):
    """A second call with the same arguments follows the model as it is then."""
    model, _, second = drawn_twice(step, generator(6))
    check_modes(
        second,
        {
            "unconditional": aim(model, [3] * 4, 1.0),
            "conditional": aim(model, [1] * 4, 1.0),
            "guided": aim(model, [1] * 4, 3.0),
        },
        "compare_modes twice with the same model and noise; its weights changed in between",
        "keep nothing between calls",
    )


@pytest.mark.parametrize("num_steps", [1, 3])
def test_cost_of_the_three_modes(step, num_steps):
    """A step evaluates N samples per mode without guidance and 2N with it: 4N in total."""
    model = LabelField(3, 3)
    draw_modes(step, model, num_steps=num_steps)
    check_that(
        model.times == [round(1 - i / num_steps, 4) for i in range(num_steps)],
        called=f"compare_modes with num_steps={num_steps}",
        got=f"evaluated the model at the times {model.times}",
        must=f"it evaluates the model at {num_steps} times, from 1 to 1/{num_steps}",
        hint="pass num_steps on to sample_conditional",
    )
    check_that(
        model.evaluated == 16 * num_steps,
        called=f"compare_modes for 4 samples in {num_steps} steps",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"it costs {16 * num_steps}: per step 4 for each of the first two modes, 8 for the guided one",
        hint="the first two modes need no guidance: their scale is 1",
    )


def test_generator_decides_the_result(step):
    """The same seed gives the same images, another seed others, without the global generator."""
    model = LabelField(3, 3)
    check_draws(
        with_generators(lambda own: drawn_rows(step, model, generator=own), generator(2)),
        (3, 4, *IMAGE_SHAPE),
        called="compare_modes with a generator",
        hint="no torch.manual_seed(); draw the noise with generator=generator",
    )


def test_without_a_generator_the_global_one_is_used(step):
    """The caller's torch.manual_seed decides the noise; nothing else seeds."""
    model = LabelField(3, 3)
    check_draws(
        with_the_global_one(lambda own: drawn_rows(step, model)),
        (3, 4, *IMAGE_SHAPE),
        called="compare_modes without a generator",
        hint="to share noise between the modes, keep the tensor; do not seed again",
    )


def test_samples_within_a_mode_differ(step):
    """Each sample has noise of its own, so that a mode shows N different images."""
    for mode, drawn in zip(MODES, drawn_rows(step, LabelField(3, 3)), strict=True):
        different = len(torch.unique(drawn, dim=0))
        check_that(
            different == 4,
            called=f'compare_modes with num_samples=4, and looked at "{mode}"',
            got=f"returned {different} different images",
            must="the 4 samples start from 4 different noises",
            hint="the noise has the shape (N, C, H, W)",
        )


def test_defaults(step):
    """The defaults are class 3, 16 samples of (1, 28, 28), scale 4, 50 steps and 10 classes."""
    model = PointMass(images(generator(3), 11, (1, 28, 28)))
    check_modes(
        step.compare_modes(model),
        {
            "unconditional": aim(model, [10] * 16, 1.0),
            "conditional": aim(model, [3] * 16, 1.0),
            "guided": aim(model, [3] * 16, 4.0),
        },
        "compare_modes(model), with one image mu per class",
        "target_class=3, num_samples=16, cfg_scale=4.0, image_shape=(1, 28, 28), num_classes=10 by default",
    )
    check_that(
        model.evaluated == 4 * 16 * 50,
        called="compare_modes(model)",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"num_steps is 50 by default, so it costs {4 * 16 * 50}",
        hint="the default is in the signature",
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtype_of_the_noise_is_kept(step, dtype):
    """Model and noise of another dtype give images of that dtype."""
    model, noise, result = typed(step, generator(7), dtype)
    called = f"compare_modes with model and noise of {dtype}"
    check_names(result, called)
    model, noise = model.double(), noise.double()
    for mode, label, scale in (
        ("unconditional", 3, 1.0),
        ("conditional", 1, 1.0),
        ("guided", 1, 3.0),
    ):
        words = {"called": f'{called}, and looked at "{mode}"'}
        must = "the images have the dtype of the noise"
        check_tensor(result[mode], (4, *IMAGE_SHAPE), dtype, **words, must=must)
        check_close(
            result[mode].double(),
            guided_euler(model, noise, torch.full((4,), label), scale, 2),
            **words,
            must="it is where two Euler steps lead, as accurately as the dtype allows",
            hint="convert nothing",
            tolerance=1e-6 if dtype == torch.float64 else 0.05,
        )


@pytest.mark.parametrize(("home", "device"), PLACES)
def test_device_is_passed_on(step, home, device):
    """Everything happens on `device`; if that is None, on the device of the model's parameters."""
    places = devices_met(lambda m: rows(draw_modes(step, m, device=device)), home)
    check_that(
        places == [THERE],
        called=f"compare_modes with device={device!r} and a model on the device {home!r}",
        got=f"called the model, and returned images, on {' and '.join(places)}",
        must=f"images, times, labels and the result are all on {THERE}",
        hint="pass device on to sample_conditional",
    )


@pytest.mark.parametrize("num_steps", [0, -1])
def test_num_steps_below_1_is_refused(step, num_steps):
    """Fewer than one step is a ValueError, as in every sampler."""
    check_raises(
        ValueError,
        lambda: draw_modes(step, LabelField(3, 3), num_steps=num_steps),
        called=f"compare_modes with num_steps={num_steps}",
        must="fewer than one step is a ValueError",
        hint="sample_conditional raises it; pass num_steps on as it is",
    )
