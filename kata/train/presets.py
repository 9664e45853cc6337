"""Recipes: how large a model, how long to train it, and what to expect, for each data set on two CPU cores."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSize:
    """The arguments of `ConditionalDiT` that a recipe chooses."""

    img_size: int
    patch_size: int
    embed_dim: int
    depth: int
    num_heads: int


@dataclass(frozen=True)
class Recipe:
    """One run, from training to samples.

    threads: of torch (None: its default); rounds: how often `train(1)` is called, each time on
    batches_per_round batches, of which rounds_per_epoch make one pass over the data; peak_lr: of a
    cosine that ends at 0, after warmup_rounds of a linear rise; num_steps: of Euler's method;
    per_class: samples of each class at each guidance scale; least_read: the share that must be read
    as asked at some scales; stages: about how many seconds each stage takes, for the time left.
    """

    model: ModelSize
    threads: int | None
    batch_size: int
    rounds: int
    batches_per_round: int
    rounds_per_epoch: float
    peak_lr: float
    warmup_rounds: int
    classifier_epochs: int
    num_steps: int
    per_class: int
    least_read: dict[float, float]
    stages: dict[str, float]


RECIPES = {
    "digits": Recipe(
        model=ModelSize(img_size=8, patch_size=4, embed_dim=96, depth=4, num_heads=4),
        threads=1,
        batch_size=32,
        rounds=50,
        batches_per_round=44,
        rounds_per_epoch=1,
        peak_lr=2e-3,
        warmup_rounds=2,
        classifier_epochs=20,
        num_steps=25,
        per_class=50,
        least_read={1: 0.95, 2: 0.99, 4: 0.995},
        stages={"data": 3, "training": 40, "classifier": 7, "sampling": 12, "drawing": 8},
    ),
    "mnist": Recipe(
        model=ModelSize(img_size=28, patch_size=4, embed_dim=80, depth=4, num_heads=4),
        threads=None,
        batch_size=64,
        rounds=45,
        batches_per_round=94,
        rounds_per_epoch=9.97,
        peak_lr=2e-3,
        warmup_rounds=3,
        classifier_epochs=2,
        num_steps=25,
        per_class=50,
        least_read={1: 0.80, 2: 0.97, 4: 0.99},
        stages={"data": 8, "training": 450, "classifier": 40, "sampling": 90, "drawing": 12},
    ),
}
"""On the digits a round is an epoch, on MNIST a tenth of one. The small model on 8x8 pixels is faster, and
steadier beside other programs, on one thread."""
