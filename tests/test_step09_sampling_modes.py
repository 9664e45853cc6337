"""Step 9: three sampling modes."""

import pytest
import torch

from kata.criteria.questions import (
    IMAGE_SHAPE,
    NOISE_SHAPE,
    images,
    traces,
    with_generators,
    with_the_global_one,
)
from kata.criteria.step09 import MODE_CASES, MODES, WALKS, draw_modes, rows
from kata.testing.assertions import (
    check_close,
    check_standard_normal,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.closed_forms import aim, guided_euler
from kata.testing.draws import check_draws
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
    """Without given noise, N(0, 1) is drawn; the test fails by chance once in 10^9 runs."""
    fresh_seed()
    model = LabelField(3, 3)
    draw_modes(step, model, NOISE_SHAPE)
    check_standard_normal(
        model.starts,
        called="compare_modes without noise, and looked at the numbers that the model got at t = 1",
        hint="torch.randn draws from N(0, 1); use it as it is",
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


def test_model_is_left_as_it_was_found(step):
    """The model is called in eval mode and put back into train mode; no graph is recorded."""
    left = traces(lambda model: drawn_rows(step, model, num_steps=2), LabelField(3, 3))
    check_that(
        left == {"graph": False, "in train mode": False, "after": True},
        called="compare_modes on a model in train mode",
        got="recorded a graph, called the model in train mode, or left it in eval mode",
        must="like any sampler it records no graph and restores the mode",
        hint="sample_conditional does all of this",
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
