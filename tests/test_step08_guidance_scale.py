"""Step 8: fidelity against diversity."""

import numpy as np
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
from kata.criteria.step08 import (
    BRIGHTNESS_SHIFTS,
    DIVERSITY_SHAPES,
    GRID_CASES,
    GRID_SCALES,
    LOGIT_OFFSETS,
    READINGS,
    SCALE_LISTS,
    blurred,
    bright_samples,
    draw_grid,
    nearest,
    started,
    stretched,
)
from kata.criteria.step08_edges import (
    EQUAL_SAMPLES,
    EXTRA_DTYPES,
    LABEL_SHAPES,
    LAW_SCALES,
    STATES,
    Reader,
    clouds,
    drawn_twice,
    many_read,
    mirrored,
    narrow_world,
    read,
    typed,
)
from kata.testing.assertions import (
    check_close,
    check_raises,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import fresh_seed, generator
from kata.testing.closed_forms import aim, guided_euler, guided_spread
from kata.testing.draws import check_draws, check_noise
from kata.testing.models import LabelField, PointMass


@pytest.mark.parametrize(("mode", "autograd"), STATES)
def test_model_is_left_as_it_was_found(step, mode, autograd):
    """Modes, gradients, frozen parameters and autograd stay as they are, whatever they were."""

    def draw(model):
        result = draw_grid(step, model, num_steps=2)
        check_tensor(
            result, (2, 4, *IMAGE_SHAPE), called="compare_cfg_scales", must="it is (S, N, C, H, W)"
        )
        return result

    left = traces_from(draw, LabelField(3, 3), mode, autograd)
    wrong = [name for name, value in left.items() if value != name.endswith("kept")]
    check_that(
        not wrong,
        called=f"compare_cfg_scales on a model in {mode} mode, with autograd {'on' if autograd else 'off'}",
        got=f"did not treat the model like a sampler: {', '.join(wrong)}",
        must="all layers are in eval mode meanwhile, no graph is recorded, and all is put back",
        hint="sample_conditional does all of this; do nothing more to the model here",
    )


@pytest.mark.parametrize(("mode", "autograd"), STATES)
def test_fidelity_leaves_the_classifier_as_it_was(step, mode, autograd):
    """The classifier's modes and gradients and autograd stay as they are, whatever they were."""
    reader, samples, labels = read(generator(14), state=(mode, autograd))
    with torch.set_grad_enabled(autograd):
        share = step.fidelity(samples, labels, reader)
    check_close(
        share,
        0.75,
        called=f"fidelity with a classifier in {mode} mode, autograd {'on' if autograd else 'off'}",
        must="three of four samples are read as asked; nothing about the classifier is changed",
        hint="call classifier(samples), inside `with torch.no_grad():`",
        tolerance=1e-6,
    )
    check_that(
        reader.targets.grad is None,
        called="fidelity with a classifier",
        got="left gradients in the classifier's parameters",
        must="a share is read off; nothing is learned from it",
        hint="no backward() here",
    )


@pytest.mark.parametrize(("num_classes", "num_steps", "samples"), GRID_CASES)
def test_entry_s_i_is_noise_i_guided_with_scale_s(step, num_classes, num_steps, samples):
    """Entry [s, i] is where Euler leads from noise[i], guided with scales[s] to the digit."""
    model, noise = LabelField(num_classes, 3), images(generator(0), samples)
    digit = num_classes - 2
    labels = torch.full((samples,), digit)
    check_close(
        step.compare_cfg_scales(
            model, digit, GRID_SCALES, samples, IMAGE_SHAPE, num_steps, num_classes, noise=noise
        ),
        torch.stack(
            [guided_euler(model, noise, labels, scale, num_steps) for scale in GRID_SCALES]
        ),
        called=f"compare_cfg_scales(model, {digit}, {GRID_SCALES}, {samples}, {IMAGE_SHAPE}, {num_steps}, "
        f"num_classes={num_classes}, noise=noise)",
        must="entry [s, i] starts from noise[i] and is guided with scales[s] to the digit, in the given order",
        hint="call sample_conditional per scale with the same noise; then stack along a new first axis",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("scales", SCALE_LISTS)
@pytest.mark.parametrize("digit", [0, 2, 3])
def test_each_scale_leads_where_the_formula_says(step, scales, digit):
    """If each class is one image, every sample of scale w is mu_u + w (mu_c - mu_u)."""
    model = PointMass(images(generator(1), 4))
    result = step.compare_cfg_scales(
        model,
        target_digit=digit,
        scales=scales,
        num_samples=2,
        image_shape=IMAGE_SHAPE,
        num_steps=3,
        num_classes=3,
    )
    check_close(
        result,
        torch.stack([aim(model, [digit, digit], scale) for scale in scales]),
        called=f"compare_cfg_scales(model, {digit}, {scales}, num_samples=2, num_classes=3), "
        "with one image mu per class",
        must="row s holds mu_u + scales[s] (mu_c - mu_u); scales are not sorted or rounded, nothing is clamped",
        hint="pass digit, scale, shape, steps and number of classes on to sample_conditional, by name",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("given_noise", [True, False])
@pytest.mark.parametrize("own", [True, False], ids=["generator", "global"])
def test_all_scales_start_from_the_same_noise(step, given_noise, own):
    """There are N starting images in total, not N per scale: the given noise, if there is any."""
    model, noise = LabelField(3, 3), images(generator(2), 4)
    with unchanged("compare_cfg_scales with noise given", noise=noise):
        draw_grid(
            step,
            model,
            generator=generator(1) if own else None,
            noise=noise if given_noise else None,
        )
    check_that(
        len(model.starts) == 4,
        called="compare_cfg_scales with 2 scales and num_samples=4",
        got=f"started from {len(model.starts)} different images",
        must="all scales start from the same 4 images, so that rows differ only in their scale",
        hint="draw the noise once, before the loop, and give it to every call",
    )
    if given_noise:
        check_close(
            model.starts,
            torch.unique(noise, dim=0),
            called="compare_cfg_scales with noise given",
            must="the starting images are the given noise",
            hint="draw noise only if none is given",
        )


def test_noise_is_standard_normal(step):
    """Noise is N(0, 1), each number on its own; the test fails by chance once in 10^9 runs."""
    fresh_seed()
    starts = started(step).starts
    called = "compare_cfg_scales with num_samples=300 and without noise"
    check_that(
        len(starts) == 300,
        called=called,
        got=f"started from {len(starts)} different images",
        must="every sample has noise of its own, and all scales share it",
        hint="draw the noise once, in the shape (N, C, H, W)",
    )
    check_noise(
        noise_counts(starts),
        300,
        starts[0].numel(),
        called=f"{called}, and looked at the numbers that the model got at t = 1",
        hint="torch.randn draws from N(0, 1); use it as it is",
    )


def test_spread_falls_with_the_scale_as_the_law_says(step):
    """Clouds of spread s guided from one of spread 1 have the spread s^w: 0.5, 0.25, 0.125, ..."""
    world, noise = narrow_world(generator(15)), mirrored(generator(16))
    called = "compare_cfg_scales on Gaussian clouds, s_c = 0.5 and s_u = 1, 100 steps, two noises z and -z"
    grid = step.compare_cfg_scales(
        world, 2, LAW_SCALES, 2, IMAGE_SHAPE, num_steps=100, num_classes=3, noise=noise
    )
    check_tensor(grid, (3, 2, *IMAGE_SHAPE), called=called, must="it is (S, N, C, H, W)")
    labels = torch.tensor([2, 2])
    for scale, row in zip(LAW_SCALES, grid, strict=True):
        check_close(
            row,
            guided_euler(world, noise, labels, scale, 100),
            called=f"{called}, and looked at w = {scale}",
            must="it is where 100 Euler steps lead from these two noises",
            hint="the given noise and num_steps reach sample_conditional as they are",
        )
        check_close(
            (row[0] - row[1]).abs() / 2,
            torch.full(IMAGE_SHAPE, guided_spread(world, 2, scale)),
            called=f"{called}, and looked at w = {scale}",
            must="the spread of the guided samples is s_c^w s_u^(1 - w): it falls with the scale",
            hint="nothing is normalised or clamped between noise and result",
            tolerance=0.02,
        )


def test_second_call_sees_new_weights(step):
    """A second call with the same arguments follows the model as it is then."""
    model, _, second = drawn_twice(step, generator(17))
    check_close(
        second,
        torch.stack([aim(model, [1, 1], scale) for scale in (3, 1)]),
        called="compare_cfg_scales twice with the same model and noise; its weights changed in between",
        must="the second result shows the model with its new weights",
        hint="keep nothing between calls",
        tolerance=1e-5,
    )


def test_generator_decides_the_result(step):
    """The same seed gives the same images, another seed others, without the global generator."""
    model = LabelField(3, 3)
    check_draws(
        with_generators(lambda own: draw_grid(step, model, generator=own), generator(3)),
        (2, 4, *IMAGE_SHAPE),
        called="compare_cfg_scales with a generator",
        hint="no torch.manual_seed(); draw the noise with generator=generator",
    )


def test_without_a_generator_the_global_one_is_used(step):
    """The caller's torch.manual_seed decides the noise; nothing else seeds."""
    model = LabelField(3, 3)
    check_draws(
        with_the_global_one(lambda own: draw_grid(step, model)),
        (2, 4, *IMAGE_SHAPE),
        called="compare_cfg_scales without a generator",
        hint="to share noise between the scales, keep the tensor; do not seed again",
    )


@pytest.mark.parametrize("num_steps", [1, 3, 5])
def test_steps_and_cost(step, num_steps):
    """num_steps reaches the sampler, and no more samples are evaluated than the scales need."""
    model = LabelField(3, 3)
    draw_grid(step, model, num_steps=num_steps)
    check_that(
        model.times == [round(1 - i / num_steps, 4) for i in range(num_steps)],
        called=f"compare_cfg_scales with num_steps={num_steps}",
        got=f"evaluated the model at the times {model.times}",
        must=f"it evaluates the model at {num_steps} times, from 1 to 1/{num_steps}",
        hint="pass num_steps on to sample_conditional",
    )
    check_that(
        model.evaluated <= 2 * 4 * 2 * num_steps,
        called=f"compare_cfg_scales for 4 samples, 2 scales and {num_steps} steps",
        got=f"evaluated the model on {model.evaluated} samples",
        must=f"two velocities per sample, scale and step are enough: {2 * 4 * 2 * num_steps}",
        hint="sample once per scale",
    )


def test_defaults(step):
    """The defaults are digit 7, scales 1 to 5 and 7, six samples of (1, 28, 28), and 50 steps."""
    model = PointMass(images(generator(4), 11, (1, 28, 28)))
    check_close(
        step.compare_cfg_scales(model),
        torch.stack([aim(model, [7] * 6, scale) for scale in (1, 2, 3, 4, 5, 7)]),
        called="compare_cfg_scales(model), with one image mu per class",
        must="target_digit=7, scales=(1, 2, 3, 4, 5, 7), num_samples=6, image_shape=(1, 28, 28), num_classes=10",
        hint="the defaults are in the signature",
        tolerance=1e-4,
    )
    check_that(
        len(model.times) == 50,
        called="compare_cfg_scales(model)",
        got=f"evaluated the model at {len(model.times)} different times",
        must="num_steps is 50 by default",
        hint="the default is in the signature",
    )


@pytest.mark.parametrize(("shown", "requested"), READINGS)
@pytest.mark.parametrize("offset", LOGIT_OFFSETS)
def test_fidelity_is_the_share_read_as_asked(step, shown, requested, offset):
    """Fidelity is the share of samples whose largest logit is at the requested label."""
    targets = images(generator(5), 7)
    samples, labels = blurred(generator(6), targets, shown), torch.tensor(requested)
    with unchanged("fidelity(samples, labels, classifier)", samples=samples, labels=labels):
        result = step.fidelity(samples, labels, nearest(targets, offset))
    check_close(
        result,
        float(np.mean(np.equal(shown, requested))),
        called=f"fidelity on samples that show {shown}, when {requested} were requested",
        must="it is the share of samples whose largest logit is at their label, a number in [0, 1]",
        hint="compare each sample's argmax over the classes with its label; all logits may be negative",
        tolerance=1e-6,
    )


def test_fidelity_shows_the_samples_as_they_are(step):
    """The classifier gets unclamped samples: one that needs values outside [-1, 1] still works."""
    targets, samples, labels = bright_samples(generator(7))
    check_close(
        step.fidelity(samples, labels, nearest(targets)),
        0.8,
        called="fidelity on five samples, of which the classifier reads four as requested",
        must="it is 4/5; the classifier gets the samples as they are",
        hint="do not clamp, scale or flatten the samples before the classifier reads them",
        tolerance=1e-6,
    )


def test_fidelity_of_300_samples(step):
    """All samples count alike, however many there are: 217 of 300 are read as asked."""
    targets, samples, labels = many_read(generator(18))
    check_close(
        step.fidelity(samples, labels, Reader(targets)),
        217 / 300,
        called="fidelity on 300 samples of 26 classes, of which 217 show what was requested",
        must="it is 217/300",
        hint="one mean over all samples; a mean of the means of batches is another number",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("dtype", EXTRA_DTYPES, ids=str)
def test_fidelity_keeps_the_dtype_of_the_samples(step, dtype):
    """The classifier gets samples of their own dtype and shape; the share does not depend on it."""
    reader, samples, labels = read(generator(19), dtype)
    check_close(
        step.fidelity(samples, labels, reader),
        0.75,
        called=f"fidelity on four samples of {dtype}, of which three are read as requested",
        must="it is 3/4",
        tolerance=1e-6,
    )
    check_that(
        {x.dtype for x in reader.given} == {dtype} and reader.as_they_are,
        called=f"fidelity on samples {tuple(samples.shape)} of {dtype}",
        got=f"gave the classifier {[(tuple(x.shape), x.dtype) for x in reader.given]}",
        must="the classifier gets the samples as they are",
        hint="classifier(samples), with no conversion before",
    )


@pytest.mark.parametrize("shape", DIVERSITY_SHAPES)
def test_diversity_is_the_mean_standard_deviation_of_a_pixel(step, shape):
    """Diversity is the mean over pixels of NumPy's standard deviation over the samples."""
    samples = stretched(generator(shape[0]), shape)
    with unchanged("diversity(samples)", samples=samples):
        result = step.diversity(samples)
    check_close(
        result,
        float(samples.double().numpy().std(axis=0, ddof=0).mean()),
        called=f"diversity on samples of shape {shape}",
        must="it is the standard deviation over the samples, dividing by N, per pixel; then the mean over pixels",
        hint="first over dim 0 with correction=0, then the mean; not the square root of a mean",
        tolerance=1e-5,
    )


def test_diversity_of_two_samples(step):
    """With two samples, each pixel deviates by half of their difference."""
    a, b = images(generator(8), 2)
    check_close(
        step.diversity(torch.stack([a, b])),
        float((a - b).abs().mean() / 2),
        called="diversity on two samples a and b",
        must="it is the mean of |a - b| / 2",
        hint="the standard deviation divides by N: correction=0",
        tolerance=1e-5,
    )


@pytest.mark.parametrize("shift", BRIGHTNESS_SHIFTS)
def test_diversity_does_not_see_what_all_samples_share(step, shift):
    """If the same image is added to all samples, diversity stays the same: nothing is clamped."""
    samples, shared = images(generator(9), 4), images(generator(10), 1)
    check_close(
        step.diversity(samples + shift + shared),
        float(np.std(samples.double().numpy(), axis=0).mean()),
        called=f"diversity on samples to which the same image, shifted by {shift}, was added",
        must="it measures how the samples differ, so what they share does not count",
        hint="a standard deviation over the samples, pixel by pixel; do not clamp",
        tolerance=1e-5,
    )


@pytest.mark.parametrize(("count", "dtype"), EQUAL_SAMPLES)
def test_diversity_of_equal_samples_is_zero(step, count, dtype):
    """Equal samples have no diversity, however much their pixels differ, up to rounding."""
    check_close(
        step.diversity(images(generator(11), 1).to(dtype).expand(count, *IMAGE_SHAPE)),
        0.0,
        called=f"diversity on {count} equal samples of {dtype}",
        must="it is 0, up to rounding: they do not differ",
        hint="compare samples with each other, not pixels; add nothing under the root",
        tolerance=1e-6,
    )


@pytest.mark.parametrize("scale", range(8))
def test_diversity_of_a_cloud_is_its_spread(step, scale):
    """If all pixels deviate by 0.5^w, as guided samples do in theory, so much is the diversity."""
    check_close(
        step.diversity(clouds(generator(20), 0.5**scale)),
        0.5**scale,
        called=f"diversity on 300 samples m + s z with s = 0.5^{scale} and z of ones and minus ones",
        must=f"every pixel has the standard deviation s = {0.5**scale:g}, so their mean is s",
        hint="all samples together: one standard deviation per pixel over dim 0",
        tolerance=1e-5,
    )


@pytest.mark.parametrize("dtype", EXTRA_DTYPES, ids=str)
def test_diversity_takes_any_floating_dtype(step, dtype):
    """Samples of other dtypes are measured too, as accurately as these allow."""
    samples = images(generator(21), 6).to(dtype)
    check_close(
        step.diversity(samples),
        float(samples.double().numpy().std(axis=0).mean()),
        called=f"diversity on samples of {dtype}",
        must="it is the same number, up to the rounding of that dtype",
        hint="NumPy has no bfloat16: convert first, or stay with torch",
        tolerance=0.02,
    )


def test_numbers_are_numbers(step):
    """Fidelity and diversity are one number each."""
    targets = images(generator(13), 3)
    samples = targets[[0, 1, 2, 2]]
    check_close(
        step.fidelity(samples, torch.tensor([0, 1, 2, 0]), nearest(targets)),
        0.75,
        called="fidelity on four samples",
        must="it is one number, not one per sample",
    )
    check_close(
        step.diversity(samples),
        float(np.std(samples.double().numpy(), axis=0).mean()),
        called="diversity on four samples",
        must="it is one number, not one per pixel",
        tolerance=1e-5,
    )


@pytest.mark.parametrize("dtype", EXTRA_DTYPES, ids=str)
def test_dtype_of_the_noise_is_kept(step, dtype):
    """Model and noise of another dtype give images of that dtype."""
    model, noise, result = typed(step, generator(22), dtype)
    called = f"compare_cfg_scales with model and noise of {dtype}"
    must = "the images have the dtype of the noise"
    check_tensor(result, (2, 4, *IMAGE_SHAPE), dtype, called=called, must=must)
    model, noise, labels = model.double(), noise.double(), torch.ones(4, dtype=torch.int64)
    check_close(
        result.double(),
        torch.stack([guided_euler(model, noise, labels, scale, 2) for scale in (3, 1)]),
        called=called,
        must=must,
        hint="convert nothing",
        tolerance=1e-6 if dtype == torch.float64 else 0.05,
    )


@pytest.mark.parametrize(("home", "device"), PLACES)
def test_device_is_passed_on(step, home, device):
    """Everything happens on `device`; if that is None, on the device of the model's parameters."""
    places = devices_met(lambda m: draw_grid(step, m, device=device), home)
    check_that(
        places == [THERE],
        called=f"compare_cfg_scales with device={device!r} and a model on the device {home!r}",
        got=f"called the model, and returned images, on {' and '.join(places)}",
        must=f"images, times, labels and the result are all on {THERE}",
        hint="pass device on to sample_conditional",
    )


@pytest.mark.parametrize("num_steps", [0, -1])
def test_num_steps_below_1_is_refused(step, num_steps):
    """Fewer than one step is a ValueError, as in every sampler."""
    check_raises(
        ValueError,
        lambda: draw_grid(step, LabelField(3, 3), num_steps=num_steps),
        called=f"compare_cfg_scales with num_steps={num_steps}",
        must="fewer than one step is a ValueError",
        hint="sample_conditional raises it; pass num_steps on as it is",
    )


@pytest.mark.parametrize("shape", LABEL_SHAPES)
def test_fidelity_needs_one_label_per_sample(step, shape):
    """Labels of any other shape than (N,) are a ValueError: they would be broadcast."""
    reader, samples, _ = read(generator(23))
    check_raises(
        ValueError,
        lambda: step.fidelity(samples, torch.ones(shape, dtype=torch.int64), reader),
        called=f"fidelity on four samples with labels of shape {shape}",
        must="labels that are not (4,) are a ValueError; (4, 1) would compare all with all",
        hint="compare tuple(labels.shape) with (len(samples),)",
    )


@pytest.mark.parametrize("count", [0, 1])
def test_diversity_needs_two_samples(step, count):
    """Fewer than 2 samples are a ValueError."""
    check_raises(
        ValueError,
        lambda: step.diversity(images(generator(12), count)),
        called=f"diversity on {count} samples",
        must="fewer than 2 samples are a ValueError: one sample cannot differ from anything",
        hint="check the number of samples first",
    )
