"""Step 8: fidelity against diversity."""

import numpy as np
import pytest
import torch
from hypothesis import given

from kata.testing.assertions import (
    check_close,
    check_raises,
    check_standard_normal,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import SEEDS, fresh_seed, generator
from kata.testing.closed_forms import aim, guided_euler
from kata.testing.models import LabelField, PointMass

SHAPE = (3, 4, 6)
SCALES = (4, 0.5, -1, 1.5, 1, 0)


def images(count, shape=SHAPE, seed=0):
    """Images whose pixels leave [-1, 1] more often than not."""
    return 3 * torch.randn(count, *shape, generator=generator(seed))


def ask(step, model, **options):
    """Compare two scales in one step on four samples of digit 1."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    return step.compare_cfg_scales(model, 1, (3, 1), 4, SHAPE, **options)


def nearest(targets, offset=0.0):
    """A classifier, just a function, never quite sure: the closer a sample to image k, the greater logit k."""
    return lambda samples: (offset - torch.cdist(samples.flatten(1), targets.flatten(1))) / 10


@pytest.mark.parametrize("num_classes", [3, 7, 12])
@pytest.mark.parametrize("num_steps", [1, 2, 4])
@pytest.mark.parametrize("samples", [1, 5, 6])
def test_entry_s_i_is_noise_i_guided_with_scale_s(step, num_classes, num_steps, samples):
    """Entry [s, i] is where Euler's method leads from noise[i], guided with scales[s] to the digit asked for."""
    model, noise = LabelField(num_classes, 3), images(samples)
    digit = num_classes - 2
    labels = torch.full((samples,), digit)
    check_close(
        step.compare_cfg_scales(
            model, digit, SCALES, samples, SHAPE, num_steps, num_classes, noise=noise
        ),
        torch.stack([guided_euler(model, noise, labels, scale, num_steps) for scale in SCALES]),
        called=f"compare_cfg_scales(model, {digit}, {SCALES}, {samples}, {SHAPE}, {num_steps}, "
        f"num_classes={num_classes}, noise=noise)",
        must="entry [s, i] starts from noise[i] and is guided with scales[s] to the digit, in the order given",
        hint="sample_conditional with that scale, the same noise every time; then stack along a new first axis",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("scales", [[2.5, 1, 7, 3], (7,), (1, 2), [3, 3.0, -0.5]])
@pytest.mark.parametrize("digit", [0, 2, 3])
def test_each_scale_leads_where_the_formula_says(step, scales, digit):
    """Where each class is one image, every sample of scale w is mu_u + w (mu_c - mu_u), without noise given too."""
    model = PointMass(images(4))
    result = step.compare_cfg_scales(
        model,
        target_digit=digit,
        scales=scales,
        num_samples=2,
        image_shape=SHAPE,
        num_steps=3,
        num_classes=3,
    )
    check_close(
        result,
        torch.stack([aim(model, [digit, digit], scale) for scale in scales]),
        called=f"compare_cfg_scales(model, {digit}, {scales}, num_samples=2, num_classes=3), each class one image mu",
        must="row s holds mu_u + scales[s] (mu_c - mu_u), the scales neither sorted nor rounded, nothing clamped",
        hint="hand digit, scale, shape, steps and number of classes on to sample_conditional, by name",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("given_noise", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_all_scales_start_from_the_same_noise(step, given_noise, own):
    """N starting images in all, not N a scale; those given where there are some."""
    model, noise = LabelField(3, 3), images(4)
    with unchanged("compare_cfg_scales with noise given", noise=noise):
        ask(
            step,
            model,
            generator=generator(1) if own else None,
            noise=noise if given_noise else None,
        )
    check_that(
        len(model.starts) == 4,
        called="compare_cfg_scales with 2 scales and num_samples=4",
        got=f"started from {len(model.starts)} different images",
        must="all scales start from the same 4: what differs between the rows is the scale alone",
        hint="draw the noise once, before the loop, and give it to every call",
    )
    if given_noise:
        check_close(
            model.starts,
            torch.unique(noise, dim=0),
            called="compare_cfg_scales with noise given",
            must="the starting images are the noise that was given",
            hint="draw noise only where none is given",
        )


def test_noise_is_standard_normal(step):
    """Without noise given, N(0, 1) is drawn; refused by chance once in 10^9 runs."""
    fresh_seed()
    model = LabelField(3, 3)
    step.compare_cfg_scales(model, 1, (3, 1), 5, (3, 40, 30), num_steps=1, num_classes=3)
    check_standard_normal(
        model.starts,
        called="compare_cfg_scales without noise, and looked at the numbers that the model saw at t = 1",
        hint="torch.randn draws from N(0, 1); use it as it is",
    )


def test_generator_decides_the_result(step):
    """The same seed gives the same images, another seed others, and the global generator is left alone."""
    model, state = LabelField(3, 3), torch.get_rng_state()
    first, again, other = (ask(step, model, generator=generator(seed)) for seed in (5, 5, 6))
    check_tensor(first, (2, 4, *SHAPE), called="compare_cfg_scales", must="it is (S, N, C, H, W)")
    check_close(
        again,
        first,
        called="compare_cfg_scales twice, with a generator of the same seed",
        must="the same seed gives the same images",
        hint="draw the noise with generator=generator",
    )
    check_that(
        not torch.equal(first, other) and torch.equal(state, torch.get_rng_state()),
        called="compare_cfg_scales with generators of two different seeds",
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
    check_tensor(first, (2, 4, *SHAPE), called="compare_cfg_scales", must="it is (S, N, C, H, W)")
    check_close(
        again,
        first,
        called="torch.manual_seed(5) and compare_cfg_scales, twice",
        must="without a generator the noise comes from torch's global one, so the images are the same",
        hint="torch.randn with generator=None does so",
    )
    check_that(
        not torch.equal(first, second),
        called="compare_cfg_scales twice in a row, without a generator",
        got="returned the same images twice",
        must="the second call draws new noise",
        hint="to share noise between the scales keep the tensor; do not reseed",
    )


@pytest.mark.parametrize("num_steps", [1, 3, 5])
def test_steps_and_cost(step, num_steps):
    """num_steps is handed on, and no more is evaluated than the scales need."""
    model = LabelField(3, 3)
    ask(step, model, num_steps=num_steps)
    check_that(
        model.times == [round(1 - i / num_steps, 4) for i in range(num_steps)],
        called=f"compare_cfg_scales with num_steps={num_steps}",
        got=f"asked the model at the times {model.times}",
        must=f"it is asked at {num_steps} times, from 1 to 1/{num_steps}",
        hint="hand num_steps on to sample_conditional",
    )
    check_that(
        model.evaluated <= 2 * 4 * 2 * num_steps,
        called=f"compare_cfg_scales for 4 samples, 2 scales and {num_steps} steps",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"two velocities a sample, scale and step are enough: {2 * 4 * 2 * num_steps}",
        hint="one walk a scale",
    )


def test_model_is_left_as_it_was_found(step):
    """The model is asked in eval mode, and then again in train mode where it was so; no graph is recorded."""
    model = LabelField(3, 3).train()
    result = ask(step, model, num_steps=2)
    check_tensor(result, (2, 4, *SHAPE), called="compare_cfg_scales", must="it is (S, N, C, H, W)")
    check_that(
        not result.requires_grad and not any(model.modes) and model.training,
        called="compare_cfg_scales on a model in train mode",
        got="recorded a graph, asked the model in train mode, or left it in eval mode",
        must="like any sampler it leaves no graph and puts the mode back",
        hint="sample_conditional does all of this",
    )


def test_defaults(step):
    """Digit 7 at the scales 1, 2, 3, 4, 5 and 7, six samples of (1, 28, 28), 50 steps, 10 classes."""
    model = PointMass(images(11, (1, 28, 28)))
    check_close(
        step.compare_cfg_scales(model),
        torch.stack([aim(model, [7] * 6, scale) for scale in (1, 2, 3, 4, 5, 7)]),
        called="compare_cfg_scales(model), each class one image mu",
        must="target_digit=7, scales=(1, 2, 3, 4, 5, 7), num_samples=6, image_shape=(1, 28, 28), num_classes=10",
        hint="the defaults stand in the signature",
        tolerance=1e-4,
    )
    check_that(
        len(model.times) == 50,
        called="compare_cfg_scales(model)",
        got=f"asked the model at {len(model.times)} different times",
        must="num_steps is 50 by default",
        hint="the default stands in the signature",
    )


@pytest.mark.parametrize(
    ("shown", "asked", "share"),
    [
        ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6], 1.0),
        ([3, 1, 4, 1, 5, 2, 6], [3, 1, 4, 0, 5, 2, 0], 5 / 7),
        ([2, 2, 2, 6, 2], [2, 2, 2, 2, 2], 4 / 5),
        ([0, 1, 2], [1, 2, 0], 0.0),
        ([5], [5], 1.0),
        ([5], [4], 0.0),
    ],
)
@pytest.mark.parametrize("offset", [0.0, 40.0])
def test_fidelity_is_the_share_read_as_asked(step, shown, asked, share, offset):
    """Samples near the images of known classes: the share whose greatest logit is at the label asked for."""
    targets = images(7, seed=3)
    samples, labels = targets[shown] + 0.1 * images(len(shown)), torch.tensor(asked)
    with unchanged("fidelity(samples, labels, classifier)", samples=samples, labels=labels):
        result = step.fidelity(samples, labels, nearest(targets, offset))
    check_close(
        result,
        share,
        called=f"fidelity on samples that show {shown}, where {asked} were asked for",
        must="it is the share of samples whose greatest logit is at their label, a number in [0, 1]",
        hint="argmax over the classes of each sample, compared with its label; logits may all be negative",
        tolerance=1e-6,
    )


def test_fidelity_shows_the_samples_as_they_are(step):
    """The classifier sees unclamped samples: one that tells classes apart outside of [-1, 1] still does."""
    targets = torch.stack([torch.full(SHAPE, value) for value in (1.2, 2.0, 3.0)])
    result = step.fidelity(
        targets[[2, 1, 2, 0, 1]], torch.tensor([2, 1, 2, 1, 1]), nearest(targets)
    )
    check_close(
        result,
        0.8,
        called="fidelity on five samples, of which the classifier reads four as asked",
        must="it is 4/5; the classifier is called on the samples as they are",
        hint="do not clamp, scale or flatten the samples before they are classified",
        tolerance=1e-6,
    )


@pytest.mark.parametrize(
    "shape", [(2, 1, 4, 4), (3, 3, 5, 4), (4, 1, 4, 4), (5, 4, 3, 6), (7, 1, 2, 3)]
)
@given(seed=SEEDS)
def test_diversity_is_the_mean_standard_deviation_of_a_pixel(step, shape, seed):
    """The mean over pixels of NumPy's standard deviation over the samples, dividing by N."""
    samples = images(shape[0], shape[1:], seed) * torch.arange(1.0, 1 + shape[-1])
    with unchanged("diversity(samples)", samples=samples):
        result = step.diversity(samples)
    check_close(
        result,
        float(samples.double().numpy().std(axis=0, ddof=0).mean()),
        called=f"diversity on samples of shape {shape}",
        must="a standard deviation over the samples for every pixel, dividing by N, then the mean over pixels",
        hint="first over dim 0 with correction=0, then the mean; not the square root of a mean",
        tolerance=1e-3,
    )


def test_diversity_of_two_samples(step):
    """Two samples: each pixel deviates by half of the difference."""
    a, b = images(2)
    check_close(
        step.diversity(torch.stack([a, b])),
        float((a - b).abs().mean() / 2),
        called="diversity on two samples a and b",
        must="it is the mean of |a - b| / 2",
        hint="the standard deviation divides by N: correction=0",
        tolerance=1e-3,
    )


@pytest.mark.parametrize("shift", [-5.0, 8.0])
def test_diversity_does_not_see_what_all_samples_share(step, shift):
    """Adding one and the same image to all samples changes nothing: nothing is clamped, no mean counts."""
    samples = images(4)
    check_close(
        step.diversity(samples + shift + images(1, seed=5)),
        float(np.std(samples.double().numpy(), axis=0).mean()),
        called=f"diversity on samples to which one common image was added, {shift} brighter",
        must="it measures how the samples differ, so what they share does not count",
        hint="a standard deviation over the samples, pixel by pixel; do not clamp",
        tolerance=1e-3,
    )


@pytest.mark.parametrize("count", [2, 5])
def test_diversity_of_equal_samples_is_zero(step, count):
    """Samples that are all equal have no diversity, however much their pixels differ."""
    check_close(
        step.diversity(images(1).expand(count, *SHAPE)),
        0.0,
        called=f"diversity on {count} equal samples",
        must="it is 0: they do not differ",
        hint="compare samples with each other, not pixels",
        tolerance=1e-2,
    )


@pytest.mark.parametrize("count", [0, 1])
def test_diversity_needs_two_samples(step, count):
    """Fewer than 2 samples are a ValueError."""
    check_raises(
        ValueError,
        lambda: step.diversity(images(count)),
        called=f"diversity on {count} samples",
        must="fewer than 2 samples are a ValueError: one sample cannot differ from anything",
        hint="look at the number of samples first",
    )


def test_numbers_are_numbers(step):
    """Fidelity and diversity of the same four samples, each one number."""
    targets = images(3)
    samples = targets[[0, 1, 2, 2]]
    check_close(
        step.fidelity(samples, torch.tensor([0, 1, 2, 0]), nearest(targets)),
        0.75,
        called="fidelity on four samples",
        must="one number, not one a sample",
    )
    check_close(
        step.diversity(samples),
        float(np.std(samples.double().numpy(), axis=0).mean()),
        called="diversity on four samples",
        must="one number, not one a pixel",
        tolerance=1e-3,
    )
