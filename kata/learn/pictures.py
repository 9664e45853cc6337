"""The pictures of each step: what an implementation draws, with a trained model under it, in seconds."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.figures import captions as exhibits
from kata.figures.captions import CaptionedFigure
from kata.given import DiT
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
NUM_STEPS = 12
"""Of Euler's method: enough to recognise digits."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class PictureKit:
    """Draws on the CPU, and from the same seeds for everybody.

    checkpoint: a name or a path; None is the first of PREFERRED that is there. What is drawn with the model raises
    CheckpointError where it is not there or does not fit; StepError and LearnerError come from the steps.
    """

    implementation: Implementation
    checkpoint: str | Path | None = None

    def learner(self, *numbers: int) -> CheckedSteps:
        """Those steps of the implementation."""
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
    def studio(self) -> Pipeline:
        """The trained model, under steps 3, 5 and 7."""
        steps, sampling = self.learner(3, 5, 7), Sampling(num_steps=NUM_STEPS)
        return Pipeline.from_checkpoint(steps, self.trained, CPU, sampling, PICTURE_SEED)

    def artist(self, *numbers: int) -> Pipeline:
        """Draws with the model and those steps, always from the same noise."""
        studio = self.studio
        return Pipeline(
            self.learner(*numbers), studio.model, studio.image_shape, studio.sampling, PICTURE_SEED
        )


@contextmanager
def same_draws() -> Iterator[None]:
    """Inside, torch's global generator starts from SEED; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(PICTURE_SEED)
        yield


TABLE_WIDTH = 1024
"""Of the class table in the full model."""

ASKED_SCALES = (0, 1, 4)
PER_CLASS = 3
TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)
TRAINED = ModelSize(img_size=8, patch_size=4, embed_dim=48, depth=2, num_heads=4)
ROUNDS, BATCHES, BATCH_SIZE, PEAK_LR = 12, 8, 32, 4e-3
"""Of the few seconds of training that step 6 shows: 12 rounds of 8 batches."""

StepPicture = Callable[[PictureKit], CaptionedFigure]


def new_table(easel: PictureKit) -> CaptionedFigure:
    """Step 1: the table as it is made."""
    learner = easel.learner(1)
    with same_draws():
        embedding = learner.call(1, "ClassEmbedding", CLASSES, TABLE_WIDTH)
    with learner.blame(1, "ClassEmbedding"):
        weight = embedding.embed.weight
    table = learner.tensor(1, "ClassEmbedding", weight, (CLASSES + 1, TABLE_WIDTH)).numpy()
    with np.errstate(invalid="ignore"):
        similarity = np.corrcoef(table)
    return exhibits.class_table(table, np.nan_to_num(similarity))


def digits_as_asked(easel: PictureKit, title: str = "Asked for 0, 1, 2, ..., 9") -> CaptionedFigure:
    """Steps 1, 2, 3 and 5: what the trained model draws with the step inside of it."""
    artist = easel.artist(7)
    noise = artist.noise(CLASSES)
    rows = [artist.each_class(1, scale, noise)[:, 0].numpy() for scale in ASKED_SCALES]
    return exhibits.as_asked(np.stack(rows), ASKED_SCALES, title)


def summed(easel: PictureKit) -> CaptionedFigure:
    """Step 2: the trained embeddings, and their sum."""
    learner, model = easel.learner(2), easel.studio.model
    width = class_table_of(learner, model).shape[1]
    return exhibits.conditioning_sum(*embeddings_and_sum(learner, model, width))


def modulated(easel: PictureKit) -> CaptionedFigure:
    """Step 2: tokens, scaled and shifted."""
    tokens, features = 12, 64
    learner = easel.learner(2)
    x = torch.randn(1, tokens, features, generator=_source())
    x = F.layer_norm(x, (features,)).repeat(2, 1, 1)
    scale = torch.stack([torch.zeros(features), torch.linspace(-1, 1, features)])
    shift = torch.zeros(2, features)
    shift[1, -features // 8 :] = 2.0
    result = learner.images(2, "modulate", tuple(x.shape), x.clone(), scale, shift)
    return exhibits.modulation(x[0].numpy(), result[0].numpy(), result[1].numpy())


def fields(easel: PictureKit) -> CaptionedFigure:
    """Step 3: what guidance mixes, at a noisy 7 that the model drew itself."""
    learner, studio = easel.learner(3, 6), easel.studio
    label = torch.tensor([FIELD_DIGIT])
    noise = torch.randn(1, *studio.image_shape, generator=_source())

    def velocity(x: Tensor, t: float) -> Tensor:
        v: Tensor = studio.model(x, torch.full((1,), t), label)
        return v

    with learner.blame(5, "ConditionalDiT.forward"):
        x0 = euler(velocity, noise, NUM_STEPS)
    found = fields_near(x0, learner, studio.model, PICTURE_SEED)
    return exhibits.guided_fields(*found, FIELD_DIGIT, f"a {FIELD_DIGIT} that the model drew")


def dropped(easel: PictureKit) -> CaptionedFigure:
    """Step 4: twenty labels before and after."""
    labels = torch.randint(CLASSES, (DROPPED_LABELS,), generator=_source())
    after = easel.learner(4).images(
        4,
        "drop_labels",
        (DROPPED_LABELS,),
        labels.clone(),
        DROPOUT,
        CLASSES,
        generator=_source(),
    )
    return exhibits.label_dropout(labels.numpy(), after.numpy(), CLASSES)


def model_counted(easel: PictureKit) -> CaptionedFigure:
    """Step 5: the same, under the number of parameters that the model has at full size."""
    full = count_parameters(easel.learner(5).call(5, "ConditionalDiT"))
    more = full - count_parameters(DiT())
    return digits_as_asked(
        easel, f"{full:,} parameters at full size, {more:,} of them for the label"
    )


def line(easel: PictureKit) -> CaptionedFigure:
    """Step 6: points of the line from a real digit to a noise."""
    data = digits()
    first = int((data.held_out_labels == FIELD_DIGIT).nonzero()[0])
    x0 = data.held_out_images[first].expand(len(TIMES), -1, -1, -1)
    x1 = torch.randn(1, *data.image_shape, generator=_source()).expand_as(x0)
    learner = easel.learner(6)
    between = learner.call(6, "interpolate", x0.clone(), x1.clone(), torch.tensor(TIMES))
    with learner.blame(6, "interpolate"):
        x_t, v = between
    points = learner.tensor(6, "interpolate", x_t, tuple(x0.shape))
    velocity = learner.tensor(6, "interpolate", v, tuple(x0.shape))
    return exhibits.straight_line(points[:, 0].numpy(), TIMES, velocity[0, 0].numpy())


def short_training(easel: PictureKit) -> CaptionedFigure:
    """Step 6: the loss of a small model on the digits, over a few seconds."""
    data, learner = digits(), easel.learner(5, 6)
    loader = RoundLoader(data.images, data.labels, BATCH_SIZE, BATCHES, PICTURE_SEED)
    with same_draws():
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
    return exhibits.loss(losses, len(data.images) / BATCH_SIZE / BATCHES)


def grid(easel: PictureKit) -> CaptionedFigure:
    """Step 7: some of every digit."""
    return exhibits.every_digit(easel.artist(7).grid(PER_CLASS, GRID_SCALE), GRID_SCALE)


def scales(easel: PictureKit) -> CaptionedFigure:
    """Step 8: one digit at rising scales; the model itself says as what it reads them."""
    learner = easel.learner(8)
    drawn = easel.artist(8).one_class_at_scales(SCALES_DIGIT, DIGIT_SCALES, SCALES_COUNT)
    asked = torch.full((SCALES_COUNT,), SCALES_DIGIT)
    model = easel.studio.model

    def classifier(samples: Tensor) -> Tensor:
        return F.one_hot(
            labels_of_least_loss(model, samples, CLASSES, PICTURE_SEED, 2), CLASSES
        ).float()

    return exhibits.by_scale(
        drawn[:, :, 0].numpy(),
        DIGIT_SCALES,
        [learner.number(8, "fidelity", row, asked, classifier) for row in drawn],
        [learner.number(8, "diversity", row) for row in drawn],
        SCALES_DIGIT,
    )


def modes(easel: PictureKit) -> CaptionedFigure:
    """Step 9: one noise, asked in three ways."""
    drawn = easel.artist(9).modes(MODES_DIGIT, MODES_COUNT, GRID_SCALE)
    return exhibits.three_modes(drawn, MODES_DIGIT, GRID_SCALE)


def trained_table(easel: PictureKit) -> CaptionedFigure:
    """Step 10: the trained table, and how its rows lie."""
    learner = easel.learner(10)
    table = easel.trained.weights["class_embed.embed.weight"].numpy()
    rows = len(table)
    return exhibits.learned_table(
        table,
        learner.array(10, "similarity_matrix", (rows, rows), table.copy()),
        learner.array(10, "simple_pca", (rows, 2), table.copy(), n_components=2),
    )


STEP_PICTURES: Mapping[int, tuple[StepPicture, ...]] = {
    1: (new_table, digits_as_asked),
    2: (summed, modulated, digits_as_asked),
    3: (fields, digits_as_asked),
    4: (dropped,),
    5: (model_counted,),
    6: (line, short_training),
    7: (grid,),
    8: (scales,),
    9: (modes,),
    10: (trained_table,),
}
"""The figures of each step, by its number."""


def _source() -> torch.Generator:
    return torch.Generator().manual_seed(PICTURE_SEED)
