"""The pictures of steps 3, 7, 8 and 9: guidance, the walk, the scale, and the three modes."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kata.figures import images, laws, walks
from kata.figures.style import CaptionedFigure
from kata.learn.kit import (
    PICTURE_SEED,
    SAMPLING,
    PictureKit,
    RecordingModel,
    new_source,
    same_draws,
)
from kata.testing.closed_forms import guided_euler, guided_spread
from kata.testing.models import GaussianWorld
from kata.train.experiment import (
    DIGIT_SCALES,
    FIELD_DIGIT,
    FIELD_TIME,
    GRID_SCALE,
    MODES_COUNT,
    SCALES_COUNT,
    SCALES_DIGIT,
    fields_near,
)
from kata.train.metrics import labels_of_least_loss
from kata.train.pipeline import CLASSES, first_channel
from kata.train.samplers import euler

DENOISED_DIGITS, DENOISED_SCALES = (3, FIELD_DIGIT, 8), (-1.0, 0.0, 1.0, 2.0, 4.0, 7.0)
PER_CALL, CALLS = 2, 2
EVERY_SCALE, ASKED_DIGIT, ASKED_SCALE = 3.0, 5, 3.0
"""Not the defaults of the steps, so that an argument that is ignored shows."""

GRID_SEED = 8
"""Not that of the global generator, so that a generator that is ignored shows."""

WALK_STEPS, SHOWN_EVERY = 24, 3

WORLD_SHAPE = (1, 2, 2)
"""The images of the Gaussian world: four pixels are enough for a law."""

ERROR_STEPS = (1, 2, 4, 8, 16, 32, 64)
ERROR_SCALES = (0.5, 2.5)
LAW_SCALES = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
LAW_SAMPLES, LAW_STEPS, LAW_LINES, LAW_DIGIT = 500, 64, 8, 3


def mixed_fields(kit: PictureKit) -> CaptionedFigure:
    """Draw what guidance mixes, at a noisy 7 that the model drew itself."""
    x0 = _drawn(kit, torch.tensor([FIELD_DIGIT]))
    found = fields_near(x0, kit.learner(3, 6), kit.model, PICTURE_SEED)
    return images.guided_fields(*found, FIELD_DIGIT, f"a {FIELD_DIGIT} that the model drew")


@torch.no_grad()
def denoised_by_scale(kit: PictureKit) -> CaptionedFigure:
    """Draw what one guided step from noisy images to t = 0 gives: the scales of the last row are
    numbers, those of the others are one tensor, a scale per sample.
    """
    learner, labels = kit.learner(3), torch.tensor(DENOISED_DIGITS)
    x1 = torch.randn(len(labels), *kit.trained.image_shape, generator=new_source())
    x_t = (1 - FIELD_TIME) * _drawn(kit, labels) + FIELD_TIME * x1
    each = len(DENOISED_SCALES)
    x, y = x_t.repeat_interleave(each, dim=0), labels.repeat_interleave(each)
    scales = torch.tensor(DENOISED_SCALES).repeat(len(labels))
    t = torch.full((len(x),), FIELD_TIME)

    def velocity(some: slice, scale: float | Tensor) -> Tensor:
        points = x[some].clone()
        return learner.images(
            3,
            "guided_velocity",
            tuple(points.shape),
            kit.model,
            points,
            t[some],
            y[some].clone(),
            scale,
            CLASSES,
        )

    last = len(x) - each
    numbers = [
        velocity(slice(last + i, last + i + 1), scale) for i, scale in enumerate(DENOISED_SCALES)
    ]
    v = torch.cat([velocity(slice(last), scales[:last]), *numbers])
    ends = (x - FIELD_TIME * v).unflatten(0, (len(labels), each))
    return walks.denoised(
        first_channel(x_t), first_channel(ends), DENOISED_SCALES, DENOISED_DIGITS, FIELD_TIME
    )


def one_walk(kit: PictureKit) -> CaptionedFigure:
    """Draw one walk of the sampler, as the model sees it."""
    recorder = RecordingModel(kit.model, CLASSES)
    shape, learner = kit.trained.image_shape, kit.learner(7)
    noise = torch.randn(1, *shape, generator=new_source())
    end = learner.images(
        7,
        "sample_conditional",
        (1, *shape),
        recorder,
        [FIELD_DIGIT],
        image_shape=shape,
        num_steps=WALK_STEPS,
        cfg_scale=GRID_SCALE,
        noise=noise,
    )
    x = torch.stack([*recorder.points, end[0]])
    times = torch.tensor(recorder.times)
    velocity = (x[:-1] - x[1:]) * WALK_STEPS
    estimates = x[:-1] - times.view(-1, 1, 1, 1) * velocity
    chosen = slice(None, None, max(1, len(times) // (WALK_STEPS // SHOWN_EVERY)))
    few = slice(WALK_STEPS // SHOWN_EVERY)
    return walks.walk(
        first_channel(x[:-1][chosen][few]),
        first_channel(estimates[chosen][few]),
        times[chosen][few].tolist(),
        FIELD_DIGIT,
        GRID_SCALE,
    )


def every_class(kit: PictureKit) -> CaptionedFigure:
    """Draw samples of every digit, in two calls, and some without a label: the noise is the
    learner's.
    """
    learner, shape, source = (
        kit.learner(7),
        kit.trained.image_shape,
        torch.Generator().manual_seed(GRID_SEED),
    )
    shared = {"image_shape": shape, "num_steps": SAMPLING.num_steps, "generator": source}
    with same_draws():
        calls = [
            learner.images(
                7,
                "sample_each_class",
                (CLASSES * PER_CALL, *shape),
                kit.model,
                num_per_class=PER_CALL,
                cfg_scale=EVERY_SCALE,
                **shared,
            ).unflatten(0, (CLASSES, PER_CALL))
            for _ in range(CALLS)
        ]
        without = learner.images(7, "sample", (CLASSES, *shape), kit.model, CLASSES, **shared)
    drawn = first_channel(torch.cat(calls, dim=1))
    return images.every_digit(drawn, EVERY_SCALE, first_channel(without), CALLS)


def step_errors(kit: PictureKit) -> CaptionedFigure:
    """Draw the sampler's error over its number of steps, in a world whose exact end is known."""
    learner = kit.learner(7)
    spreads = torch.cat([torch.linspace(0.3, 0.8, CLASSES), torch.ones(1)])
    world = GaussianWorld(torch.zeros(CLASSES + 1, *WORLD_SHAPE), spreads)
    labels = torch.arange(CLASSES).repeat(4)
    noise = torch.randn(len(labels), *WORLD_SHAPE, generator=new_source())
    errors, laws_ = {}, {}
    for scale in ERROR_SCALES:
        spread = torch.tensor([guided_spread(world, int(label), scale) for label in labels])
        exact = noise * spread.view(-1, 1, 1, 1)
        found, law = [], []
        for count in ERROR_STEPS:
            end = learner.images(
                7,
                "sample_conditional",
                tuple(noise.shape),
                world,
                labels,
                image_shape=WORLD_SHAPE,
                num_steps=count,
                cfg_scale=scale,
                noise=noise.clone(),
            )
            ideal = guided_euler(world, noise, labels, scale, count)
            found.append(float((end - exact).square().mean().sqrt()))
            law.append(float((ideal - exact).square().mean().sqrt()))
        errors[scale], laws_[scale] = np.array(found), np.array(law)
    return laws.euler_error(ERROR_STEPS, errors, laws_)


def law_of_guidance(kit: PictureKit) -> CaptionedFigure:
    """Draw diversity and fidelity over the scale, of samples in a Gaussian world."""
    learner = kit.learner(8)
    world = _world()
    mean, spread = world.mean.detach()[:CLASSES], world.spread.detach()[:CLASSES]

    def classifier(samples: Tensor) -> Tensor:
        """The exact logits of the classes."""
        far = (samples[:, None] - mean).square().sum(dim=(2, 3, 4))
        return -far / (2 * spread.square())

    with same_draws():
        rows = learner.images(
            8,
            "compare_cfg_scales",
            (len(LAW_SCALES), LAW_SAMPLES, *WORLD_SHAPE),
            world,
            target_digit=LAW_DIGIT,
            scales=LAW_SCALES,
            num_samples=LAW_SAMPLES,
            image_shape=WORLD_SHAPE,
            num_steps=LAW_STEPS,
            generator=new_source(),
        )
        asked = torch.full((LAW_SAMPLES,), LAW_DIGIT)
        return laws.guidance_law(
            LAW_SCALES,
            np.array([learner.number(8, "diversity", row) for row in rows]),
            np.array([guided_spread(world, LAW_DIGIT, scale) for scale in LAW_SCALES]),
            np.array([learner.number(8, "fidelity", row, asked, classifier) for row in rows]),
            rows[:, :LAW_LINES, 0, 0, 0].numpy(),
            LAW_SAMPLES,
        )


def one_digit_by_scale(kit: PictureKit) -> CaptionedFigure:
    """Draw one digit at rising scales, from noise of the learner's; the model itself reads them."""
    learner, model, shape = kit.learner(8), kit.model, kit.trained.image_shape
    with same_draws():
        drawn = learner.images(
            8,
            "compare_cfg_scales",
            (len(DIGIT_SCALES), SCALES_COUNT, *shape),
            model,
            target_digit=SCALES_DIGIT,
            scales=DIGIT_SCALES,
            num_samples=SCALES_COUNT,
            image_shape=shape,
            num_steps=SAMPLING.num_steps,
            generator=new_source(),
        )
    asked = torch.full((SCALES_COUNT,), SCALES_DIGIT)

    def classifier(samples: Tensor) -> Tensor:
        return F.one_hot(
            labels_of_least_loss(model, samples, CLASSES, PICTURE_SEED, 2), CLASSES
        ).float()

    return images.by_scale(
        drawn[:, :, 0].numpy(),
        DIGIT_SCALES,
        [learner.number(8, "fidelity", row, asked, classifier) for row in drawn],
        [learner.number(8, "diversity", row) for row in drawn],
        SCALES_DIGIT,
    )


def modes_from_one_noise(kit: PictureKit) -> CaptionedFigure:
    """Draw the three modes, from noise of the learner's."""
    pipeline = kit.pipeline(9)
    with same_draws():
        drawn = pipeline.modes(ASKED_DIGIT, MODES_COUNT, ASKED_SCALE, new_source())
    return images.three_modes(drawn, ASKED_DIGIT, ASKED_SCALE)


def _drawn(kit: PictureKit, labels: Tensor) -> Tensor:
    """Return clean images of the labels that the model drew without guidance."""
    model, learner = kit.model, kit.learner(5)
    noise = torch.randn(len(labels), *kit.trained.image_shape, generator=new_source())

    def velocity(x: Tensor, t: float) -> Tensor:
        v: Tensor = model(x, torch.full((len(x),), t), labels)
        return v

    with learner.blame(5, "ConditionalDiT.forward"):
        return euler(velocity, noise, SAMPLING.num_steps)


def _world() -> GaussianWorld:
    """Return a Gaussian world of ten narrow classes around their own means, and a broad null
    class at 0.
    """
    mean = 0.8 * torch.randn(CLASSES + 1, *WORLD_SHAPE, generator=new_source())
    mean[CLASSES] = 0
    spread = torch.full((CLASSES + 1,), 0.5)
    spread[CLASSES] = 1
    return GaussianWorld(mean, spread)
