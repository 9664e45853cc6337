"""The pictures of steps 4 and 6: label dropout, the path, and a short training."""

from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor, nn

from kata.figures import charts, images, laws, walks
from kata.figures.style import CaptionedFigure
from kata.learn.kit import PICTURE_SEED, SAMPLING, PictureKit, new_source, same_draws
from kata.train.by_trainer import RoundLoader, train_in_rounds
from kata.train.data import digits
from kata.train.experiment import DROPOUT, DROPPED_LABELS, FIELD_DIGIT
from kata.train.pipeline import CLASSES, first_channel
from kata.train.presets import ModelSize
from kata.train.samplers import euler, guided

DROPOUT_SEED = 5
"""With it, three of the twenty labels are dropped."""

COUNTED = (DROPOUT, 0.25)
COUNTED_BATCHES, COUNTED_SIZE = 300, 32
EPOCHS, STORED = 20, 1000

TIMES = tuple(i / 7 for i in range(8))
"""As many as a digit is wide, so that a time that runs along the width is seen."""

TRAINED = ModelSize(img_size=8, patch_size=4, embed_dim=96, depth=1, num_heads=4)
ROUNDS, BATCHES, BATCH_SIZE, PEAK_LR = 10, 25, 64, 4e-3
"""The few seconds of training that step 6 shows: 10 rounds of 25 batches."""

WALKS, WALK_SCALE = 2, 3.0


def labels_dropped(kit: PictureKit) -> CaptionedFigure:
    """Draw twenty labelled images before and after dropout."""
    data = digits()
    labels = data.labels[:DROPPED_LABELS]
    after = kit.learner(4).images(
        4,
        "drop_labels",
        (DROPPED_LABELS,),
        labels.clone(),
        DROPOUT,
        CLASSES,
        generator=torch.Generator().manual_seed(DROPOUT_SEED),
    )
    thumbnails = first_channel(data.images[:DROPPED_LABELS])
    return images.label_dropout(thumbnails, labels.numpy(), after.numpy(), CLASSES, DROPOUT)


def drops_counted(kit: PictureKit) -> CaptionedFigure:
    """Draw how many labels are dropped per batch, and where: every other batch by a generator."""
    learner, source = kit.learner(4), new_source()
    labels = torch.arange(COUNTED_SIZE) % CLASSES
    null: list[Tensor] = []
    with same_draws():
        for p in COUNTED:
            for batch in range(COUNTED_BATCHES):
                generator = source if batch % 2 else None
                after = learner.call(4, "drop_labels", labels.clone(), p, CLASSES, generator)
                null.append(learner.tensor(4, "drop_labels", after, (COUNTED_SIZE,)) == CLASSES)
    gone = torch.stack(null).view(len(COUNTED), COUNTED_BATCHES, COUNTED_SIZE)
    places = gone[0].float().mean(dim=0).numpy()
    return laws.drop_counts(list(gone.sum(dim=2).numpy()), COUNTED, COUNTED_SIZE, places)


def labels_kept(kit: PictureKit) -> CaptionedFigure:
    """Draw how many labels of a data set are left after some epochs of dropout."""
    learner = kit.learner(4)
    labels = torch.randint(CLASSES, (STORED,), generator=new_source())
    stored, left = labels.clone(), []
    with same_draws():
        for _ in range(EPOCHS):
            for batch in stored.split(100):
                learner.images(4, "drop_labels", (len(batch),), batch, DROPOUT, CLASSES)
            left.append(float((stored == labels).float().mean()))
    return laws.labels_left(np.array(left), DROPOUT)


def straight_path(kit: PictureKit) -> CaptionedFigure:
    """Draw points of the line from a real digit to noise."""
    data = digits()
    first = int((data.held_out_labels == FIELD_DIGIT).nonzero()[0])
    x0 = data.held_out_images[first].expand(len(TIMES), -1, -1, -1)
    x1 = torch.randn(1, *data.image_shape, generator=new_source()).expand_as(x0)
    learner = kit.learner(6)
    between = learner.call(6, "interpolate", x0.clone(), x1.clone(), torch.tensor(TIMES))
    with learner.blame(6, "interpolate"):
        x_t, v = between
    points = learner.tensor(6, "interpolate", x_t, tuple(x0.shape))
    velocity = learner.tensor(6, "interpolate", v, tuple(x0.shape))
    return walks.straight_line(first_channel(points), TIMES, velocity[0, 0].numpy())


def training_loss(kit: PictureKit) -> CaptionedFigure:
    """Draw the loss of a small model on the digits, over a few seconds."""
    _, losses = _short_training(kit)
    return charts.loss(losses, len(digits().images) / BATCH_SIZE / BATCHES)


def walk_after_training(kit: PictureKit) -> CaptionedFigure:
    """Draw what the model that was just trained makes of noise."""
    model, _ = _short_training(kit)
    learner = kit.learner(3, 5)
    labels = torch.arange(CLASSES).repeat(WALKS)
    noise = torch.randn(len(labels), *digits().image_shape, generator=new_source())
    with learner.blame(5, "ConditionalDiT.forward"):
        velocity = guided(
            learner.modules[3].guided_velocity, model.eval(), labels, WALK_SCALE, CLASSES
        )
        ends = euler(velocity, noise, SAMPLING.num_steps)
    drawn = learner.tensor(5, "ConditionalDiT.forward", ends, tuple(noise.shape))
    grid = first_channel(drawn.unflatten(0, (WALKS, CLASSES)))
    return images.learned_walk(grid, ROUNDS * BATCHES, [""] * WALKS)


def _short_training(kit: PictureKit) -> tuple[nn.Module, list[float]]:
    """Return the small model and its losses; it is trained once per kit."""
    return kit.once("short training", lambda: _train(kit))


def _train(kit: PictureKit) -> tuple[nn.Module, list[float]]:
    data, learner = digits(), kit.learner(5, 6)
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
    return model, losses
