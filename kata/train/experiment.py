"""A whole run: train, measure samples at several guidance scales, look at the model's parts."""

import io
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from kata.train.by_trainer import RoundLoader, train_in_rounds
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import count_parameters
from kata.train.classifier import batches_of, train_classifier
from kata.train.data import Dataset
from kata.train.metrics import Measurement, labels_read, measure, read_as_asked, spread_within_class
from kata.train.pipeline import CLASSES, DRAWN_AT_A_TIME, Pipeline, Sampling
from kata.train.presets import Recipe
from kata.train.progress import Stages

DROPOUT, DROPPED_LABELS = 0.1, 20
SUM_DIGIT, SUM_TIME = 7, 0.3
FIELD_DIGIT, FIELD_TIME, FIELD_SCALES = 7, 0.6, (1, 3, 5, 7)


@dataclass(frozen=True)
class Internals:
    """What the parts of a model compute; D is the conditioning width, fields are `(H, W)`.

    Class tables before and after training: `(11, D)`; similarities: `(11, 11)`; map: `(11, 2)`.
    time_embedding, class_embedding and their sum, conditioning: `(D,)`. unconditional,
    conditional and truth: velocities at one noisy image; guided: fields by scale. labelled:
    images `(20, H, W)`; labels and dropped: int `(20,)`, theirs.
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
    labelled: np.ndarray
    labels: np.ndarray
    dropped: np.ndarray


def class_table_of(steps: CheckedSteps, model: nn.Module) -> np.ndarray:
    """Return a copy of the class table, `(11, D)`."""
    with steps.blame(5, "ConditionalDiT"):
        weight: torch.Tensor = model.class_embed.embed.weight  # type: ignore[union-attr, assignment]
        width = weight.shape[-1]
    table = steps.tensor(1, "ClassEmbedding", weight, (CLASSES + 1, width))
    return table.clone().numpy()


@torch.no_grad()
def inspect_internals(
    steps: CheckedSteps, model: nn.Module, before: np.ndarray, data: Dataset, seed: int
) -> Internals:
    """Return all of it. before: the first class table; seed: of noise and dropped labels."""
    model.eval()
    after = class_table_of(steps, model)
    square = (len(after), len(after))
    h_t, h_y, total = embeddings_and_sum(steps, model, after.shape[1])
    first = int((data.held_out_labels == FIELD_DIGIT).nonzero()[0])
    u, c, truth, guided = fields_near(data.held_out_images[first : first + 1], steps, model, seed)
    labels = data.labels[:DROPPED_LABELS]
    generator = torch.Generator().manual_seed(seed)
    dropped = steps.images(
        4, "drop_labels", (DROPPED_LABELS,), labels.clone(), DROPOUT, CLASSES, generator=generator
    )
    return Internals(
        table_before=before,
        similarity_before=steps.array(10, "similarity_matrix", square, before),
        table_after=after,
        similarity_after=steps.array(10, "similarity_matrix", square, after),
        map_after=steps.array(10, "simple_pca", (len(after), 2), after, n_components=2),
        time_embedding=h_t,
        class_embedding=h_y,
        conditioning=total,
        unconditional=u,
        conditional=c,
        truth=truth,
        guided=guided,
        labelled=data.images[:DROPPED_LABELS, 0].numpy(),
        labels=labels.numpy(),
        dropped=dropped.numpy(),
    )


@torch.no_grad()
def embeddings_and_sum(
    steps: CheckedSteps, model: nn.Module, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a model's time embedding, class embedding and their sum by step 2, each `(width,)`."""
    device = next(model.parameters()).device
    with steps.blame(5, "ConditionalDiT"):
        h_t = model.time_embed(torch.tensor([SUM_TIME], device=device))  # type: ignore[operator]
        h_y = model.class_embed(torch.tensor([SUM_DIGIT], device=device))  # type: ignore[operator]
    shape = (1, width)
    total = steps.images(2, "combine", shape, h_t, h_y)
    h_t = steps.tensor(5, "ConditionalDiT.time_embed", h_t, shape)
    h_y = steps.tensor(1, "ClassEmbedding", h_y, shape)
    return h_t[0].numpy(), h_y[0].numpy(), total[0].numpy()


@torch.no_grad()
def fields_near(
    x0: Tensor, steps: CheckedSteps, model: nn.Module, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[float, np.ndarray]]:
    """Return velocities at a noisy 7: unconditional, conditional, true, and guided by scale.

    x0: the 7, `(1, C, H, W)`; seed: of the noise on it.
    """
    device = next(model.parameters()).device
    x0 = x0.to(device)
    generator = torch.Generator().manual_seed(seed)
    x1 = torch.randn(x0.shape, generator=generator).to(device)
    t = torch.tensor([FIELD_TIME], device=device)
    shape = tuple(x0.shape)
    between = steps.call(6, "interpolate", x0, x1, t)
    with steps.blame(6, "interpolate"):
        x_t, truth = between
    x_t = steps.tensor(6, "interpolate", x_t, shape).to(device)

    def velocity(label: int) -> Tensor:
        with steps.blame(5, "ConditionalDiT.forward"):
            v = model(x_t, t, torch.tensor([label], device=device))
        return steps.tensor(5, "ConditionalDiT.forward", v, shape)

    u, c = velocity(CLASSES), velocity(FIELD_DIGIT)
    guided: dict[float, np.ndarray] = {
        scale: steps.images(3, "guide", shape, u, c, scale)[0, 0].numpy() for scale in FIELD_SCALES
    }
    truth = steps.tensor(6, "interpolate", truth, shape)
    return u[0, 0].numpy(), c[0, 0].numpy(), truth[0, 0].numpy(), guided


MEASURED = (0, 1, 2, 4, 7)
GRID_SCALE = 4.0
SCALES_DIGIT, DIGIT_SCALES, SCALES_COUNT = 7, (1, 2, 3, 4, 5, 7), 6
MODES_DIGIT, MODES_COUNT = 3, 16
PICTURES = 5


@dataclass(frozen=True)
class SampleGrids:
    """Samples to look at, images `(H, W)`.

    small: `(10, 4, H, W)` and large: `(10, 8, H, W)`, one row per digit; by_scale:
    `(6, 6, H, W)`, one row per scale, with step 8's own measures of each row; modes: `(16, H, W)`
    by name.
    """

    small: np.ndarray
    large: np.ndarray
    by_scale: np.ndarray
    by_scale_fidelity: list[float]
    by_scale_diversity: list[float]
    modes: dict[str, np.ndarray]


@dataclass(frozen=True)
class Experiment:
    """What a whole run yields.

    parameters: of the model; device: where it was trained; losses: one per round; measurements:
    one per guidance scale; accuracy: the share of held-out real images that the classifier reads
    as their label; real_spread: the spread within a class of the same images.
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
    steps: CheckedSteps, data: Dataset, recipe: Recipe, seed: int, stages: Stages
) -> Experiment:
    """Train, sample, measure, and look at the model's parts.

    seed: of everything random; stages: shows the progress of training, classifier and sampling.
    Raise StepCallError if a step fails.
    """
    torch.manual_seed(seed)
    model = steps.call(5, "ConditionalDiT", num_classes=CLASSES, **asdict(recipe.model))
    before = class_table_of(steps, model)
    losses = _train(steps, model, data, recipe, seed, stages)
    with stages.stage("classifier", batches_of(data, recipe.classifier_epochs)) as stage:
        classifier = train_classifier(
            data,
            recipe.classifier_epochs,
            seed,
            lambda loss: stage.advance(note=f"loss {loss:.3f}"),
        )
    pipeline = Pipeline(steps, model, data.image_shape, Sampling(num_steps=recipe.num_steps), seed)
    noises = pipeline.noise(CLASSES * recipe.per_class).split(DRAWN_AT_A_TIME)
    labels = torch.cat([torch.arange(CLASSES).repeat_interleave(len(n) // CLASSES) for n in noises])
    measurements = []
    with stages.stage("sampling", len(MEASURED) * len(noises) + PICTURES) as stage:
        for scale in MEASURED:
            batches = []
            for noise in noises:
                batches.append(pipeline.each_class(len(noise) // CLASSES, scale, noise))
                stage.advance()
            measurements.append(measure(scale, torch.cat(batches), labels, classifier))
        pictures = _sample_grids(steps, pipeline, classifier)
        stage.advance(PICTURES)
    return Experiment(
        parameters=count_parameters(model),
        device=pipeline.device,
        losses=losses,
        inside=inspect_internals(steps, model, before, data, seed),
        pictures=pictures,
        measurements=measurements,
        accuracy=read_as_asked(labels_read(data.held_out_images, classifier), data.held_out_labels),
        real_spread=spread_within_class(data.held_out_images, data.held_out_labels),
    )


def rehearse(steps: CheckedSteps, data: Dataset, recipe: Recipe, seed: int) -> None:
    """Run the whole experiment in small, so that a missing step is found before the training."""
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
    run_experiment(steps, little, small, seed, Stages(Console(file=io.StringIO()), recipe.stages))


def _train(
    steps: CheckedSteps,
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
        trainer = steps.call(
            6, "ConditionalTrainer", model, loader, lr=recipe.peak_lr, num_classes=CLASSES
        )
        with steps.blame(6, "ConditionalTrainer.train"):
            return train_in_rounds(
                trainer,
                recipe.rounds,
                recipe.peak_lr,
                recipe.warmup_rounds,
                on_round=lambda loss: stage.advance(0, note=f"loss {loss:.4f}"),
            )


def _sample_grids(steps: CheckedSteps, pipeline: Pipeline, classifier: nn.Module) -> SampleGrids:
    by_scale = pipeline.one_class_at_scales(SCALES_DIGIT, DIGIT_SCALES, SCALES_COUNT)
    asked = torch.full((SCALES_COUNT,), SCALES_DIGIT)
    return SampleGrids(
        small=pipeline.grid(4, GRID_SCALE),
        large=pipeline.grid(8, GRID_SCALE),
        by_scale=by_scale[:, :, 0].numpy(),
        by_scale_fidelity=[steps.number(8, "fidelity", row, asked, classifier) for row in by_scale],
        by_scale_diversity=[steps.number(8, "diversity", row) for row in by_scale],
        modes=pipeline.modes(MODES_DIGIT, MODES_COUNT, GRID_SCALE),
    )
