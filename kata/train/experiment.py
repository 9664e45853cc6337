"""A look inside: the class table before and after, the conditioning sum, fields of velocity, dropped labels."""

import io
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from kata.train.by_trainer import RoundLoader, train_in_rounds
from kata.train.checked_steps import CheckedSteps
from kata.train.classifier import batches_of, train_classifier
from kata.train.data import Dataset
from kata.train.metrics import Measurement, measure, read_as_asked, spread_within_class
from kata.train.pipeline import CLASSES, Pipeline, batches_at_scales
from kata.train.presets import Recipe
from kata.train.progress import Stages

DROPOUT, DROPPED_LABELS = 0.1, 20
SUM_DIGIT, SUM_TIME = 7, 0.3
FIELD_DIGIT, FIELD_TIME, FIELD_SCALES = 7, 0.6, (1, 3, 5, 7)


@dataclass(frozen=True)
class Internals:
    """What the parts of a model say; D is the conditioning width, fields are `(H, W)`.

    tables before and after training: `(11, D)`, similarities `(11, 11)`, map `(11, 2)`.
    time_embedding, class_embedding and their sum: `(D,)`. noisy: the image at which the velocities
    unconditional, conditional and truth are taken; guided: scale to field. labels and dropped:
    int `(20,)`.
    """

    table_before: np.ndarray
    similarity_before: np.ndarray
    table_after: np.ndarray
    similarity_after: np.ndarray
    map_after: np.ndarray
    time_embedding: np.ndarray
    class_embedding: np.ndarray
    conditioning: np.ndarray
    unconditional: np.ndarray
    conditional: np.ndarray
    truth: np.ndarray
    guided: dict[float, np.ndarray]
    labels: np.ndarray
    dropped: np.ndarray


def class_table_of(learner: CheckedSteps, model: nn.Module) -> np.ndarray:
    """A copy of the class table, `(11, D)`."""
    with learner.blame(5, "ConditionalDiT"):
        weight: torch.Tensor = model.class_embed.embed.weight  # type: ignore[union-attr, assignment]
        width = weight.shape[-1]
    table = learner.tensor(1, "ClassEmbedding", weight, (CLASSES + 1, width))
    return table.clone().numpy()


@torch.no_grad()
def inspect_internals(
    learner: CheckedSteps, model: nn.Module, before: np.ndarray, data: Dataset, seed: int
) -> Internals:
    """All of it. before: the class table as it was; seed: of the noise and of the dropped labels."""
    model.eval()
    after = class_table_of(learner, model)
    square = (len(after), len(after))
    h_t, h_y, total = embeddings_and_sum(learner, model, after.shape[1])
    first = int((data.held_out_labels == FIELD_DIGIT).nonzero()[0])
    u, c, truth, guided = fields_near(data.held_out_images[first : first + 1], learner, model, seed)
    labels = data.labels[:DROPPED_LABELS]
    generator = torch.Generator().manual_seed(seed)
    dropped = learner.images(
        4, "drop_labels", (DROPPED_LABELS,), labels, DROPOUT, CLASSES, generator=generator
    )
    return Internals(
        table_before=before,
        similarity_before=learner.array(10, "similarity_matrix", square, before),
        table_after=after,
        similarity_after=learner.array(10, "similarity_matrix", square, after),
        map_after=learner.array(10, "simple_pca", (len(after), 2), after, n_components=2),
        time_embedding=h_t,
        class_embedding=h_y,
        conditioning=total,
        unconditional=u,
        conditional=c,
        truth=truth,
        guided=guided,
        labels=labels.numpy(),
        dropped=dropped.numpy(),
    )


@torch.no_grad()
def embeddings_and_sum(
    learner: CheckedSteps, model: nn.Module, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A model's time embedding, class embedding and what step 2 makes of them, each `(width,)`."""
    device = next(model.parameters()).device
    with learner.blame(5, "ConditionalDiT"):
        h_t = model.time_embed(torch.tensor([SUM_TIME], device=device))  # type: ignore[operator]
        h_y = model.class_embed(torch.tensor([SUM_DIGIT], device=device))  # type: ignore[operator]
    shape = (1, width)
    total = learner.images(2, "combine", shape, h_t, h_y)
    h_t = learner.tensor(5, "ConditionalDiT.time_embed", h_t, shape)
    h_y = learner.tensor(1, "ClassEmbedding", h_y, shape)
    return h_t[0].numpy(), h_y[0].numpy(), total[0].numpy()


@torch.no_grad()
def fields_near(
    x0: Tensor, learner: CheckedSteps, model: nn.Module, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[float, np.ndarray]]:
    """Velocities at a noisy image of a 7: unconditional, conditional, the true one, and guided, by scale.

    x0: the 7, `(1, C, H, W)`; seed: of the noise on it.
    """
    device = next(model.parameters()).device
    x0 = x0.to(device)
    generator = torch.Generator().manual_seed(seed)
    x1 = torch.randn(x0.shape, generator=generator).to(device)
    t = torch.tensor([FIELD_TIME], device=device)
    shape = tuple(x0.shape)
    between = learner.call(6, "interpolate", x0, x1, t)
    with learner.blame(6, "interpolate"):
        x_t, truth = between
    x_t = learner.tensor(6, "interpolate", x_t, shape).to(device)

    def velocity(label: int) -> Tensor:
        with learner.blame(5, "ConditionalDiT.forward"):
            v = model(x_t, t, torch.tensor([label], device=device))
        return learner.tensor(5, "ConditionalDiT.forward", v, shape)

    u, c = velocity(CLASSES), velocity(FIELD_DIGIT)
    guided: dict[float, np.ndarray] = {
        scale: learner.images(3, "guide", shape, u, c, scale)[0, 0].numpy()
        for scale in FIELD_SCALES
    }
    truth = learner.tensor(6, "interpolate", truth, shape)
    return u[0, 0].numpy(), c[0, 0].numpy(), truth[0, 0].numpy(), guided


MEASURED = (0, 1, 2, 4, 7)
GRID_SCALE = 4.0
SCALES_DIGIT, DIGIT_SCALES, SCALES_COUNT = 7, (1, 2, 3, 4, 5, 7), 6
MODES_DIGIT, MODES_COUNT = 3, 16
PICTURES = 5


@dataclass(frozen=True)
class SampleGrids:
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
class Experiment:
    """What a run gave.

    parameters: of the model; device: where it was trained; losses: one a round; inside: what the
    model's parts say, before and after; measurements: one a guidance scale; accuracy: the share of
    held-out real images that the classifier reads as their label; real_spread: the spread within a
    class of the same images.
    """

    parameters: int
    device: torch.device
    losses: list[float]
    inside: Internals
    pictures: SampleGrids
    measurements: list[Measurement]
    accuracy: float
    real_spread: float


def run_experiment(
    learner: CheckedSteps, data: Dataset, recipe: Recipe, seed: int, stages: Stages
) -> Experiment:
    """Train, judge, sample and look inside.

    seed: of everything random; stages: shows the progress of training, classifier and sampling.
    Raises LearnerError where a step fails.
    """
    torch.manual_seed(seed)
    model = learner.call(5, "ConditionalDiT", num_classes=CLASSES, **asdict(recipe.model))
    before = class_table_of(learner, model)
    losses = _train(learner, model, data, recipe, seed, stages)
    with stages.stage("classifier", batches_of(data, recipe.classifier_epochs)) as stage:
        classifier = train_classifier(
            data,
            recipe.classifier_epochs,
            seed,
            lambda loss: stage.advance(note=f"loss {loss:.3f}"),
        )
    artist = Pipeline(learner, model, data.image_shape, recipe.num_steps, seed)
    with stages.stage(
        "sampling", batches_at_scales(MEASURED, recipe.per_class) + PICTURES
    ) as stage:
        measurements = [
            measure(scale, images, labels, classifier)
            for scale, images, labels in artist.at_scales(MEASURED, recipe.per_class, stage.advance)
        ]
        pictures = _sample_grids(learner, artist, classifier)
        stage.advance(PICTURES)
    return Experiment(
        parameters=sum(p.numel() for p in model.parameters()),
        device=artist.device,
        losses=losses,
        inside=inspect_internals(learner, model, before, data, seed),
        pictures=pictures,
        measurements=measurements,
        accuracy=read_as_asked(data.held_out_images, data.held_out_labels, classifier),
        real_spread=spread_within_class(data.held_out_images, data.held_out_labels),
    )


def rehearse(learner: CheckedSteps, data: Dataset, recipe: Recipe, seed: int) -> None:
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
    run_experiment(learner, little, small, seed, Stages(Console(file=io.StringIO()), recipe.stages))


def _train(
    learner: CheckedSteps,
    model: nn.Module,
    data: Dataset,
    recipe: Recipe,
    seed: int,
    stages: Stages,
) -> list[float]:
    with stages.stage("training", recipe.rounds * recipe.batches_per_round) as stage:
        loader = RoundLoader(
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


def _sample_grids(learner: CheckedSteps, artist: Pipeline, classifier: nn.Module) -> SampleGrids:
    by_scale = artist.one_class_at_scales(SCALES_DIGIT, DIGIT_SCALES, SCALES_COUNT)
    asked = torch.full((SCALES_COUNT,), SCALES_DIGIT)
    return SampleGrids(
        small=artist.grid(4, GRID_SCALE),
        large=artist.grid(8, GRID_SCALE),
        by_scale=by_scale[:, :, 0].numpy(),
        by_scale_fidelity=[
            learner.number(8, "fidelity", row, asked, classifier) for row in by_scale
        ],
        by_scale_diversity=[learner.number(8, "diversity", row) for row in by_scale],
        modes=artist.modes(MODES_DIGIT, MODES_COUNT, GRID_SCALE),
    )
