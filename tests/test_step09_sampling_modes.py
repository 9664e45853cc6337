"""Step 9: three sampling modes."""

import pytest
import torch

from kata.testing.assertions import (
    check_close,
    check_standard_normal,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.closed_forms import aim, guided_euler
from kata.testing.models import LabelField, PointMass

SHAPE = (3, 4, 6)
MODES = ["unconditional", "conditional", "guided"]


def images(count, shape=SHAPE, seed=0):
    """Images whose pixels leave [-1, 1] more often than not."""
    return 3 * torch.randn(count, *shape, generator=generator(seed))


def check_modes(result, expected, called, hint):
    """Hold the three entries of the dict against the images expected."""
    check_that(
        isinstance(result, dict) and set(result) == set(MODES),
        called=called,
        got=f"returned {sorted(result) if isinstance(result, dict) else type(result).__name__}",
        must=f"it is a dict with just the three names {MODES}",
        hint="return a dict",
    )
    for mode, must in (
        ("unconditional", "the null class, w = 1"),
        ("conditional", "the class asked for, w = 1"),
        ("guided", "the class asked for, guided with cfg_scale"),
    ):
        check_close(
            result[mode],
            expected[mode],
            called=f'{called}, and looked at "{mode}"',
            must=f"{must}, in as many steps as asked for, from the noise that all modes share",
            hint=hint,
            tolerance=1e-4,
        )


def ask(step, model, **options):
    """Draw four samples of class 1 in one step, guided with 3."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    return step.compare_modes(model, 1, 4, 3.0, SHAPE, **options)


@pytest.mark.parametrize("scale", [-1.0, 0.5, 1.5, 4])
@pytest.mark.parametrize(("target", "num_classes"), [(0, 3), (2, 3), (4, 7), (9, 12)])
def test_modes_lead_where_the_formula_says(step, target, num_classes, scale):
    """Where each class is one image: mu_u, mu_c and mu_u + w (mu_c - mu_u)."""
    model = PointMass(images(num_classes + 1))
    check_modes(
        step.compare_modes(
            model,
            target_class=target,
            num_samples=3,
            cfg_scale=scale,
            image_shape=SHAPE,
            num_steps=2,
            num_classes=num_classes,
        ),
        {
            "unconditional": aim(model, [num_classes] * 3, 1.0),
            "conditional": aim(model, [target] * 3, 1.0),
            "guided": aim(model, [target] * 3, scale),
        },
        f"compare_modes(model, {target}, cfg_scale={scale}, num_classes={num_classes}), each class one image mu",
        "three calls of sample_conditional that differ in label and scale alone",
    )


@pytest.mark.parametrize("num_steps", [1, 2, 5])
@pytest.mark.parametrize("samples", [1, 4, 6])
def test_sample_i_starts_from_noise_i(step, num_steps, samples):
    """In every mode sample i is where Euler's method leads from noise[i]; the noise is not changed."""
    model, noise = LabelField(7, 3), images(samples)
    with unchanged("compare_modes with noise given", noise=noise):
        result = step.compare_modes(
            model, 5, samples, 2.5, SHAPE, num_steps, num_classes=7, noise=noise
        )
    null, labels = torch.full((samples,), 7), torch.full((samples,), 5)
    check_modes(
        result,
        {
            "unconditional": guided_euler(model, noise, null, 1.0, num_steps),
            "conditional": guided_euler(model, noise, labels, 1.0, num_steps),
            "guided": guided_euler(model, noise, labels, 2.5, num_steps),
        },
        f"compare_modes(model, 5, {samples}, 2.5, {SHAPE}, {num_steps}, num_classes=7, noise=noise)",
        "hand noise and num_steps on to every call",
    )


@pytest.mark.parametrize("own", [True, False])
def test_all_modes_start_from_the_same_noise(step, own):
    """N different starting images in all, not N a mode."""
    model = LabelField(3, 3)
    torch.manual_seed(1)
    ask(step, model, generator=generator(1) if own else None)
    check_that(
        len(model.starts) == 4,
        called="compare_modes with num_samples=4, without noise",
        got=f"started from {len(model.starts)} different images",
        must="the three modes start from the same 4: column i is one starting point",
        hint="draw the noise once, in the shape (N, C, H, W), and give it to every call",
    )


def test_noise_is_standard_normal(step):
    """Without noise given, N(0, 1) is drawn; refused by chance once in 10^9 runs."""
    fresh_seed()
    model = LabelField(3, 3)
    step.compare_modes(model, 1, 5, 3.0, (3, 40, 30), num_steps=1, num_classes=3)
    check_standard_normal(
        model.starts,
        called="compare_modes without noise, and looked at the numbers that the model saw at t = 1",
        hint="torch.randn draws from N(0, 1); use it as it is",
    )


@pytest.mark.parametrize("num_steps", [1, 3])
def test_cost_of_the_three_modes(step, num_steps):
    """N samples a step without guidance, twice, and 2N with it: 4N in all."""
    model = LabelField(3, 3)
    ask(step, model, num_steps=num_steps)
    check_that(
        model.times == [round(1 - i / num_steps, 4) for i in range(num_steps)],
        called=f"compare_modes with num_steps={num_steps}",
        got=f"asked the model at the times {model.times}",
        must=f"it is asked at {num_steps} times, from 1 to 1/{num_steps}",
        hint="hand num_steps on to sample_conditional",
    )
    check_that(
        model.evaluated == 16 * num_steps,
        called=f"compare_modes for 4 samples in {num_steps} steps",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"it costs {16 * num_steps}: 4 a step for each of the first two modes, 8 for the guided one",
        hint="the first two modes need no guidance: the scale is 1",
    )


def test_generator_decides_the_result(step):
    """The same seed gives the same images, another seed others, and the global generator is left alone."""
    model, state = LabelField(3, 3), torch.get_rng_state()
    results = [ask(step, model, generator=generator(seed)) for seed in (5, 5, 6)]
    check_modes(
        results[1],
        results[0],
        "compare_modes twice, with a generator of the same seed, and looked at the second",
        "draw the noise with generator=generator",
    )
    check_that(
        not torch.equal(results[0]["guided"], results[2]["guided"])
        and torch.equal(state, torch.get_rng_state()),
        called="compare_modes with generators of two different seeds",
        got="returned the same images, or changed the state of torch's global generator",
        must="the generator given decides the noise, and the global one is left alone",
        hint="no torch.manual_seed(); draw the noise with generator=generator",
    )


def test_without_a_generator_the_global_one_is_used(step):
    """torch.manual_seed by the caller decides the noise; nothing reseeds."""
    model = LabelField(3, 3)
    torch.manual_seed(5)
    first, second = ask(step, model), ask(step, model)
    torch.manual_seed(5)
    again = ask(step, model)
    check_modes(again, first, "torch.manual_seed(5) and compare_modes, twice", "use torch.randn")
    check_that(
        not torch.equal(first["guided"], second["guided"]),
        called="compare_modes twice in a row, without a generator",
        got="returned the same images twice",
        must="the second call draws new noise",
        hint="to share noise between the modes keep the tensor; do not reseed",
    )


def test_samples_within_a_mode_differ(step):
    """Each sample has noise of its own, so that a mode shows N different images."""
    result = ask(step, LabelField(3, 3))
    check_that(
        isinstance(result, dict), called="compare_modes", got="returned no dict", must="a dict"
    )
    for mode in MODES:
        check_tensor(
            result.get(mode), (4, *SHAPE), called=f'compare_modes(...)["{mode}"]', must="images"
        )
        different = len(torch.unique(result[mode], dim=0))
        check_that(
            different == 4,
            called=f'compare_modes with num_samples=4, and looked at "{mode}"',
            got=f"returned {different} different images",
            must="the 4 samples start from 4 different noises",
            hint="the noise has the shape (N, C, H, W)",
        )


def test_model_is_left_as_it_was_found(step):
    """The model is asked in eval mode, and then again in train mode where it was so; no graph is recorded."""
    model = LabelField(3, 3).train()
    result = ask(step, model, num_steps=2)
    check_that(
        isinstance(result, dict), called="compare_modes", got="returned no dict", must="a dict"
    )
    check_that(
        not any(images.requires_grad for images in result.values())
        and not any(model.modes)
        and model.training,
        called="compare_modes on a model in train mode",
        got="recorded a graph, asked the model in train mode, or left it in eval mode",
        must="like any sampler it leaves no graph and puts the mode back",
        hint="sample_conditional does all of this",
    )


def test_defaults(step):
    """Class 3, 16 samples of (1, 28, 28), cfg_scale 4.0, 50 steps, 10 classes."""
    model = PointMass(images(11, (1, 28, 28)))
    check_modes(
        step.compare_modes(model),
        {
            "unconditional": aim(model, [10] * 16, 1.0),
            "conditional": aim(model, [3] * 16, 1.0),
            "guided": aim(model, [3] * 16, 4.0),
        },
        "compare_modes(model), each class one image mu",
        "target_class=3, num_samples=16, cfg_scale=4.0, image_shape=(1, 28, 28), num_classes=10 by default",
    )
    check_that(
        model.evaluated == 4 * 16 * 50,
        called="compare_modes(model)",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"num_steps is 50 by default, so it costs {4 * 16 * 50}",
        hint="the default stands in the signature",
    )
