"""The whole lesson in one run: train, judge, sample and look inside, by the implementation's own functions."""

import io
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from rich.console import Console
from torch import nn

from kata.desk.artist import CLASSES, Artist, parts
from kata.desk.inside import Inside, look_inside, table_of
from kata.desk.learner import Learner
from kata.desk.progress import Stages
from kata.train.classifier import batches_of, train_classifier
from kata.train.data import Dataset
from kata.train.evaluation import Measurement, measure, read_as_asked, spread_within_class
from kata.train.presets import Recipe
from kata.train.rounds import Batches, train_in_rounds

MEASURED = (0, 1, 2, 4, 7)
GRID_SCALE = 4.0
SCALES_DIGIT, SCALES, SCALES_COUNT = 7, (1, 2, 3, 4, 5, 7), 6
MODES_DIGIT, MODES_COUNT = 3, 16
PICTURES = 5


@dataclass(frozen=True)
class Pictures:
    """Samples to look at, images `(H, W)`.

    small: `(10, 4, H, W)` and large: `(10, 8, H, W)`, a row a digit; by_scale: `(6, 6, H, W)`, a row a
    scale, with what step 8's own measures say of each row; modes: name to `(16, H, W)`.
    """

    small: np.ndarray
    large: np.ndarray
    by_scale: np.ndarray
    by_scale_fidelity: list[float]
    by_scale_diversity: list[float]
    modes: dict[str, np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """What a run gave.

    parameters: of the model; device: where it was trained; losses: one a round; inside: what the
    model's parts say, before and after; measurements: one a guidance scale; accuracy: the share of
    held-out real images that the classifier reads as their label; real_spread: the spread within a
    class of the same images.
    """

    parameters: int
    device: torch.device
    losses: list[float]
    inside: Inside
    pictures: Pictures
    measurements: list[Measurement]
    accuracy: float
    real_spread: float


def teach(learner: Learner, data: Dataset, recipe: Recipe, seed: int, stages: Stages) -> Lesson:
    """Train, judge, sample and look inside.

    seed: of everything random; stages: shows the progress of training, classifier and sampling.
    Raises LearnerError where a step fails.
    """
    torch.manual_seed(seed)
    model = learner.call(5, "ConditionalDiT", num_classes=CLASSES, **asdict(recipe.model))
    before = table_of(learner, model)
    losses = _train(learner, model, data, recipe, seed, stages)
    with stages.stage("classifier", batches_of(data, recipe.classifier_epochs)) as stage:
        classifier = train_classifier(
            data,
            recipe.classifier_epochs,
            seed,
            lambda loss: stage.advance(note=f"loss {loss:.3f}"),
        )
    artist = Artist(learner, model, data.image_shape, recipe.num_steps, seed)
    with stages.stage("sampling", parts(MEASURED, recipe.per_class) + PICTURES) as stage:
        measurements = [
            measure(scale, images, labels, classifier)
            for scale, images, labels in artist.at_scales(MEASURED, recipe.per_class, stage.advance)
        ]
        pictures = _pictures(learner, artist, classifier)
        stage.advance(PICTURES)
    return Lesson(
        parameters=sum(p.numel() for p in model.parameters()),
        device=artist.device,
        losses=losses,
        inside=look_inside(learner, model, before, data, seed),
        pictures=pictures,
        measurements=measurements,
        accuracy=read_as_asked(data.held_out_images, data.held_out_labels, classifier),
        real_spread=spread_within_class(data.held_out_images, data.held_out_labels),
    )


def rehearse(learner: Learner, data: Dataset, recipe: Recipe, seed: int) -> None:
    """The whole lesson on next to nothing, so that what is missing is found before the training and not after it."""
    some = 2 * recipe.batch_size
    little = replace(
        data,
        images=data.images[:some],
        labels=data.labels[:some],
        held_out_images=data.held_out_images[:200],
        held_out_labels=data.held_out_labels[:200],
    )
    small = replace(
        recipe, rounds=1, batches_per_round=2, classifier_epochs=1, num_steps=1, per_class=2
    )
    teach(learner, little, small, seed, Stages(Console(file=io.StringIO()), recipe.stages))


def _train(
    learner: Learner, model: nn.Module, data: Dataset, recipe: Recipe, seed: int, stages: Stages
) -> list[float]:
    with stages.stage("training", recipe.rounds * recipe.batches_per_round) as stage:
        loader = Batches(
            data.images,
            data.labels,
            recipe.batch_size,
            recipe.batches_per_round,
            seed,
            on_batch=stage.advance,
        )
        trainer = learner.call(
            6, "ConditionalTrainer", model, loader, lr=recipe.peak_lr, num_classes=CLASSES
        )
        with learner.blame(6, "ConditionalTrainer.train"):
            return train_in_rounds(
                trainer,
                recipe.rounds,
                recipe.peak_lr,
                recipe.warmup_rounds,
                on_round=lambda loss: stage.advance(0, note=f"loss {loss:.4f}"),
            )


def _pictures(learner: Learner, artist: Artist, classifier: nn.Module) -> Pictures:
    by_scale = artist.one_class_at_scales(SCALES_DIGIT, SCALES, SCALES_COUNT)
    asked = torch.full((SCALES_COUNT,), SCALES_DIGIT)
    return Pictures(
        small=artist.grid(4, GRID_SCALE),
        large=artist.grid(8, GRID_SCALE),
        by_scale=by_scale[:, :, 0].numpy(),
        by_scale_fidelity=[
            learner.number(8, "fidelity", row, asked, classifier) for row in by_scale
        ],
        by_scale_diversity=[learner.number(8, "diversity", row) for row in by_scale],
        modes=artist.modes(MODES_DIGIT, MODES_COUNT, GRID_SCALE),
    )
