"""Recipes: how large a model, how long to train it, and what to expect.

RECIPES are the demo's, PRESETS those of `kata train`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSize:
    """The arguments of `ConditionalDiT` that a recipe chooses."""

    img_size: int = 28
    patch_size: int = 4
    embed_dim: int = 256
    depth: int = 6
    num_heads: int = 8


LAST_ROUNDS = 5


@dataclass(frozen=True)
class Recipe:
    """One run of the demo, from training to samples.

    threads: of PyTorch (None: its default); rounds: calls of `train(1)`, each on batches_per_round
    batches; rounds_per_epoch: rounds in one pass over the data; peak_lr: of a cosine that ends at
    0, after warmup_rounds of a linear rise; num_steps: of Euler's method; per_class: samples of
    each class at each guidance scale; most_loss: the largest average loss of the last LAST_ROUNDS
    rounds; least_read: the smallest share read as asked, by scale; stages: about how many seconds
    each stage takes, for the time left.
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
    most_loss: float
    least_read: dict[float, float]
    stages: dict[str, float]


RECIPES = {
    "digits": Recipe(
        model=ModelSize(img_size=8, patch_size=4, embed_dim=96, depth=2, num_heads=4),
        threads=1,
        batch_size=64,
        rounds=50,
        batches_per_round=22,
        rounds_per_epoch=1,
        peak_lr=4e-3,
        warmup_rounds=2,
        classifier_epochs=20,
        num_steps=25,
        per_class=50,
        most_loss=0.413,
        least_read={1: 0.95, 2: 0.99, 4: 0.995},
        stages={"data": 3, "training": 19, "classifier": 3, "sampling": 7, "drawing": 3},
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
        most_loss=0.20,
        least_read={1: 0.80, 2: 0.97, 4: 0.99},
        stages={"data": 8, "training": 450, "classifier": 40, "sampling": 90, "drawing": 12},
    ),
}
"""On the digits a round is an epoch, on MNIST a tenth of one. The small model on 8x8 pixels is
faster on one thread, and steadier beside other programs.
"""


@dataclass(frozen=True)
class Preset:
    """One recipe of `kata train`.

    steps: optimizer steps, each on batch_size images; lr: of AdamW; muon_lr: of Muon, on the
    matrices of attention and MLP (None: AdamW trains them too); both are the peak of a schedule,
    see `learning_rate`, of `warmup` (None: constant) and `cooldown`; betas, weight_decay: of AdamW;
    clip: the largest norm of the gradient (None: any); ema: the decay of the average of the
    weights, which is sampled with (None: the weights themselves); look_every: steps between
    measurements of the loss on held-out images (None: never); threads: of PyTorch on a CPU (None:
    its default); by_trainer: train by the implementation's own `ConditionalTrainer`, for `epochs`
    of torchvision's data set, exactly as the document does.
    """

    dataset: str
    model: ModelSize
    batch_size: int
    steps: int
    lr: float
    warmup: int | None = None
    cooldown: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    muon_lr: float | None = None
    clip: float | None = None
    ema: float | None = None
    look_every: int | None = None
    label_drop_prob: float = 0.1
    threads: int | None = None
    by_trainer: bool = False
    epochs: int = 0


MNIST_SMALL = ModelSize(embed_dim=80, depth=4, num_heads=4)

PRESETS = {
    "document": Preset(
        dataset="mnist",
        model=ModelSize(),
        batch_size=128,
        steps=30 * 468,
        lr=1e-4,
        by_trainer=True,
        epochs=30,
    ),
    "mnist": Preset(
        dataset="mnist",
        model=ModelSize(),
        batch_size=512,
        steps=10 * 117,
        lr=2e-3,
        warmup=50,
        betas=(0.9, 0.99),
        muon_lr=0.02,
        clip=1.0,
        ema=0.99,
        look_every=20,
    ),
    "mnist-small": Preset(
        dataset="mnist",
        model=MNIST_SMALL,
        batch_size=32,
        steps=5_400,
        lr=3e-3,
        muon_lr=0.02,
        warmup=200,
        cooldown=0.4,
        betas=(0.9, 0.99),
        clip=1.0,
        ema=0.99,
        look_every=1_350,
    ),
    "digits": Preset(
        dataset="digits",
        model=RECIPES["digits"].model,
        batch_size=64,
        steps=1_100,
        lr=2e-3,
        muon_lr=0.02,
        warmup=50,
        cooldown=0.4,
        betas=(0.9, 0.99),
        clip=1.0,
        ema=0.99,
        threads=1,
    ),
}
"""`document` is exactly the document's run, `mnist` the same model by a better recipe,
`mnist-small` a model for two CPU cores, `digits` one that trains in half a minute. Why they are
what they are stands in checkpoints/LOG.md.
"""

# fmt: off
DOCUMENT_LOSSES = (
    0.8388, 0.3375, 0.3000, 0.2846, 0.2758, 0.2660, 0.2592, 0.2529, 0.2443, 0.2331,
    0.2209, 0.2113, 0.2060, 0.2017, 0.1984, 0.1955, 0.1932, 0.1915, 0.1890, 0.1881,
    0.1859, 0.1846, 0.1838, 0.1823, 0.1817, 0.1808, 0.1805, 0.1793, 0.1788, 0.1774,
)
# fmt: on
"""The average training loss of each epoch that the document reports for the run that `document`
repeats.
"""
TARGET_LOSS = DOCUMENT_LOSSES[-1]
"""The document's loss after 30 epochs, a mix of 0.9 right labels and 0.1 null ones."""
