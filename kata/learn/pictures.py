"""The pictures of each step: what an implementation draws with a trained model, in seconds."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kata.course import KataError
from kata.course.loader import Implementation
from kata.course.steps import Step, step_by_number
from kata.figures import charts, images, plane, tables
from kata.figures.style import CaptionedFigure
from kata.given import DiT
from kata.learn.plane import (
    CLASS_MEANS,
    CLASS_STD,
    guided_in_plane,
    paths_in_plane,
    walk_in_plane,
)
from kata.train.by_trainer import RoundLoader, train_in_rounds
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import (
    Checkpoint,
    best_shipped,
    count_parameters,
    find_checkpoint,
    read_checkpoint,
)
from kata.train.data import digits
from kata.train.experiment import (
    DIGIT_SCALES,
    DROPOUT,
    DROPPED_LABELS,
    FIELD_DIGIT,
    GRID_SCALE,
    MODES_COUNT,
    MODES_DIGIT,
    SCALES_COUNT,
    SCALES_DIGIT,
    class_table_of,
    embeddings_and_sum,
    fields_near,
)
from kata.train.metrics import labels_of_least_loss
from kata.train.pipeline import CLASSES, Pipeline, Sampling
from kata.train.presets import ModelSize
from kata.train.samplers import euler

PREFERRED = ("mnist-small", "digits")
"""Checkpoints that are small enough to draw with in seconds, the better looking first."""

PICTURE_SEED = 7
SAMPLING = Sampling(num_steps=12)
"""Enough steps to recognise digits."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class PictureKit:
    """An implementation and a trained model, to draw with on the CPU, always from the same seeds.

    checkpoint: a name or a path; None is the first of PREFERRED that is there. Whatever needs the
    model raises CheckpointError if it is missing or does not fit. The steps raise StepError and
    StepCallError.
    """

    implementation: Implementation
    checkpoint: str | Path | None = None

    def learner(self, *numbers: int) -> CheckedSteps:
        """Return these steps of the implementation."""
        return CheckedSteps(
            self.implementation, io.StringIO(), [step_by_number(n) for n in numbers]
        )

    @cached_property
    def trained(self) -> Checkpoint:
        """The checkpoint, as it was read."""
        return read_checkpoint(
            best_shipped(PREFERRED) if self.checkpoint is None else find_checkpoint(self.checkpoint)
        )

    @cached_property
    def model(self) -> nn.Module:
        """The trained model, of step 5's class."""
        return Pipeline.from_checkpoint(
            self.learner(5), self.trained, CPU, SAMPLING, PICTURE_SEED
        ).model

    def pipeline(self, *numbers: int) -> Pipeline:
        """Return a pipeline of the model and these steps, always with the same noise."""
        shape = self.trained.image_shape
        return Pipeline(self.learner(*numbers), self.model, shape, SAMPLING, PICTURE_SEED)


@contextmanager
def _same_draws() -> Iterator[None]:
    """Start torch's global generator from PICTURE_SEED; restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(PICTURE_SEED)
        yield


TABLE_WIDTH = 1024
"""The width of the class table in the full model."""

ASKED_SCALES = (0, 1, 4)
PER_CLASS = 3
TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)
TRAINED = ModelSize(img_size=8, patch_size=4, embed_dim=48, depth=2, num_heads=4)
ROUNDS, BATCHES, BATCH_SIZE, PEAK_LR = 12, 8, 32, 4e-3
"""The few seconds of training that step 6 shows: 12 rounds of 8 batches."""

StepPicture = Callable[[PictureKit], CaptionedFigure]
SomePicture = TypeVar("SomePicture", bound=StepPicture)

STEP_PICTURES: dict[int, list[StepPicture]] = {}
"""The pictures of each step, by its number, in the order in which they are shown."""


def picture_of(*numbers: int) -> Callable[[SomePicture], SomePicture]:
    """Add a function to the pictures of these steps."""

    def add(function: SomePicture) -> SomePicture:
        for number in numbers:
            STEP_PICTURES.setdefault(number, []).append(function)
        return function

    return add


def figures_of_step(kit: PictureKit, step: Step) -> list[CaptionedFigure | str]:
    """Draw a step's figures; in place of one that cannot be drawn stands the sentence that says
    why.
    """
    figures: list[CaptionedFigure | str] = []
    for picture in STEP_PICTURES[step.number]:
        try:
            figures.append(picture(kit).drawn())
        except KataError as error:
            figures.append(str(error))
        except (TypeError, ValueError) as error:  # numbers of a kind that cannot be drawn
            figures.append(
                f"{step.file}: what it returns cannot be drawn ({error}). "
                f"Run `kata check {step.number}` to see what is wrong."
            )
    return figures


@picture_of(1)
def new_table(kit: PictureKit) -> CaptionedFigure:
    """Draw the class table of a new embedding."""
    learner = kit.learner(1)
    with _same_draws():
        embedding = learner.call(1, "ClassEmbedding", CLASSES, TABLE_WIDTH)
    with learner.blame(1, "ClassEmbedding"):
        weight = embedding.embed.weight
    table = learner.tensor(1, "ClassEmbedding", weight, (CLASSES + 1, TABLE_WIDTH)).numpy()
    with np.errstate(invalid="ignore"):
        similarity = np.corrcoef(table)
    return tables.class_table(table, np.nan_to_num(similarity))


@picture_of(2)
def summed(kit: PictureKit) -> CaptionedFigure:
    """Draw the trained embeddings and their sum."""
    learner, model = kit.learner(2), kit.model
    width = class_table_of(learner, model).shape[1]
    return charts.conditioning_sum(*embeddings_and_sum(learner, model, width))


@picture_of(2)
def modulated(kit: PictureKit) -> CaptionedFigure:
    """Draw tokens, scaled and shifted."""
    tokens, features = 12, 64
    learner = kit.learner(2)
    x = torch.randn(1, tokens, features, generator=_source())
    x = F.layer_norm(x, (features,)).repeat(2, 1, 1)
    scale = torch.stack([torch.zeros(features), torch.linspace(-1, 1, features)])
    shift = torch.zeros(2, features)
    shift[1, -features // 8 :] = 2.0
    result = learner.images(2, "modulate", tuple(x.shape), x.clone(), scale, shift)
    return images.modulation(x[0].numpy(), result[0].numpy(), result[1].numpy())


@picture_of(3)
def fields(kit: PictureKit) -> CaptionedFigure:
    """Draw what guidance mixes, at a noisy 7 that the model drew itself."""
    learner, model = kit.learner(3, 6), kit.model
    label = torch.tensor([FIELD_DIGIT])
    noise = torch.randn(1, *kit.trained.image_shape, generator=_source())

    def velocity(x: Tensor, t: float) -> Tensor:
        v: Tensor = model(x, torch.full((1,), t), label)
        return v

    with learner.blame(5, "ConditionalDiT.forward"):
        x0 = euler(velocity, noise, SAMPLING.num_steps)
    found = fields_near(x0, learner, model, PICTURE_SEED)
    return images.guided_fields(*found, FIELD_DIGIT, f"a {FIELD_DIGIT} that the model drew")


@picture_of(1, 2, 3)
def digits_as_asked(kit: PictureKit, title: str = "Asked for 0, 1, 2, ..., 9") -> CaptionedFigure:
    """Draw what the trained model samples with the step inside it."""
    pipeline = kit.pipeline(7)
    noise = pipeline.noise(CLASSES)
    rows = [pipeline.each_class(1, scale, noise)[:, 0].numpy() for scale in ASKED_SCALES]
    return images.as_asked(np.stack(rows), ASKED_SCALES, title)


@picture_of(4)
def dropped(kit: PictureKit) -> CaptionedFigure:
    """Draw twenty labels before and after dropout."""
    labels = torch.randint(CLASSES, (DROPPED_LABELS,), generator=_source())
    after = kit.learner(4).images(
        4,
        "drop_labels",
        (DROPPED_LABELS,),
        labels.clone(),
        DROPOUT,
        CLASSES,
        generator=_source(),
    )
    return charts.label_dropout(labels.numpy(), after.numpy(), CLASSES)


@picture_of(5)
def model_counted(kit: PictureKit) -> CaptionedFigure:
    """Draw the same digits, under the number of parameters of the model at full size."""
    full = count_parameters(kit.learner(5).call(5, "ConditionalDiT"))
    more = full - count_parameters(DiT())
    return digits_as_asked(kit, f"{full:,} parameters at full size, {more:,} of them for the label")


@picture_of(6)
def line(kit: PictureKit) -> CaptionedFigure:
    """Draw points of the line from a real digit to noise."""
    data = digits()
    first = int((data.held_out_labels == FIELD_DIGIT).nonzero()[0])
    x0 = data.held_out_images[first].expand(len(TIMES), -1, -1, -1)
    x1 = torch.randn(1, *data.image_shape, generator=_source()).expand_as(x0)
    learner = kit.learner(6)
    between = learner.call(6, "interpolate", x0.clone(), x1.clone(), torch.tensor(TIMES))
    with learner.blame(6, "interpolate"):
        x_t, v = between
    points = learner.tensor(6, "interpolate", x_t, tuple(x0.shape))
    velocity = learner.tensor(6, "interpolate", v, tuple(x0.shape))
    return images.straight_line(points[:, 0].numpy(), TIMES, velocity[0, 0].numpy())


@picture_of(6)
def short_training(kit: PictureKit) -> CaptionedFigure:
    """Draw the loss of a small model on the digits, over a few seconds."""
    data, learner = digits(), kit.learner(5, 6)
    loader = RoundLoader(data.images, data.labels, BATCH_SIZE, BATCHES, PICTURE_SEED)
    with _same_draws():
        model = learner.call(5, "ConditionalDiT", num_classes=CLASSES, **asdict(TRAINED))
        trainer = learner.call(
            6,
            "ConditionalTrainer",
            model,
            loader,
            lr=PEAK_LR,
            num_classes=CLASSES,
            device="cpu",
        )
        with learner.blame(6, "ConditionalTrainer.train"):
            losses = train_in_rounds(trainer, ROUNDS, PEAK_LR, 1)
    return charts.loss(losses, len(data.images) / BATCH_SIZE / BATCHES)


@picture_of(7)
def grid(kit: PictureKit) -> CaptionedFigure:
    """Draw some samples of every digit."""
    return images.every_digit(kit.pipeline(7).grid(PER_CLASS, GRID_SCALE), GRID_SCALE)


@picture_of(8)
def scales(kit: PictureKit) -> CaptionedFigure:
    """Draw one digit at rising scales; the model itself reads the samples."""
    learner = kit.learner(8)
    drawn = kit.pipeline(8).one_class_at_scales(SCALES_DIGIT, DIGIT_SCALES, SCALES_COUNT)
    asked = torch.full((SCALES_COUNT,), SCALES_DIGIT)
    model = kit.model

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


@picture_of(9)
def modes(kit: PictureKit) -> CaptionedFigure:
    """Draw the three modes from the same noise."""
    drawn = kit.pipeline(9).modes(MODES_DIGIT, MODES_COUNT, GRID_SCALE)
    return images.three_modes(drawn, MODES_DIGIT, GRID_SCALE)


@picture_of(10)
def trained_table(kit: PictureKit) -> CaptionedFigure:
    """Draw the trained table, and how its rows lie."""
    learner = kit.learner(10)
    table = kit.trained.weights["class_embed.embed.weight"].numpy()
    rows = len(table)
    return tables.learned_table(
        table,
        learner.array(10, "similarity_matrix", (rows, rows), table.copy()),
        learner.array(10, "simple_pca", (rows, 2), table.copy(), n_components=2),
    )


PLANE_TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)
PLANE_SCALES = (0.0, 1.0, 2.0, 4.0)
PLANE_TIME = 0.8
"""When the field and the guided arrows of step 0 are shown."""


@picture_of(0)
def points_in_plane(kit: PictureKit) -> CaptionedFigure:
    """Draw paths, a walk, the velocity field and guided arrows, with points in a plane."""
    learner, source = kit.learner(0), _source()
    x1 = torch.randn(6, 2, generator=source)
    x0 = CLASS_MEANS.repeat(3, 1) + CLASS_STD * torch.randn(6, 2, generator=source)
    walk = walk_in_plane(learner, torch.randn(80, 2, generator=source))
    axis = torch.linspace(-2.6, 2.6, 11)
    places = torch.cartesian_prod(axis, axis)
    start = torch.tensor([[1.9, 0.7]])

    def velocity(x: Tensor, scale: float) -> Tensor:
        to_b = torch.ones(len(x), dtype=torch.int64)
        return guided_in_plane(learner, x, torch.full((len(x),), PLANE_TIME), to_b, scale)

    return plane.in_the_plane(
        *paths_in_plane(learner, x0, x1, PLANE_TIMES),
        walk.points,
        walk.labels,
        places.numpy(),
        velocity(places, 1.0).numpy(),
        PLANE_TIME,
        {w: velocity(start, w)[0].numpy() for w in PLANE_SCALES},
        start[0].numpy(),
    )


def _source() -> torch.Generator:
    return torch.Generator().manual_seed(PICTURE_SEED)
