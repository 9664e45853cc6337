"""A look inside: the class table before and after, the conditioning sum, fields of velocity, dropped labels."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from kata.desk.artist import CLASSES
from kata.desk.learner import Learner
from kata.train.data import Dataset

DROPOUT, DROPPED_LABELS = 0.1, 20
SUM_DIGIT, SUM_TIME = 7, 0.3
FIELD_DIGIT, FIELD_TIME, FIELD_SCALES = 7, 0.6, (1, 3, 5, 7)


@dataclass(frozen=True)
class Inside:
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


def table_of(learner: Learner, model: nn.Module) -> np.ndarray:
    """A copy of the class table, `(11, D)`."""
    with learner.blame(5, "ConditionalDiT"):
        weight: torch.Tensor = model.class_embed.embed.weight  # type: ignore[union-attr, assignment]
        width = weight.shape[-1]
    table = learner.tensor(1, "ClassEmbedding", weight, (CLASSES + 1, width))
    return table.clone().numpy()


@torch.no_grad()
def look_inside(
    learner: Learner, model: nn.Module, before: np.ndarray, data: Dataset, seed: int
) -> Inside:
    """All of it. before: the class table as it was; seed: of the noise and of the dropped labels."""
    model.eval()
    after = table_of(learner, model)
    square = (len(after), len(after))
    h_t, h_y, total = conditioning_sum(learner, model, after.shape[1])
    first = int((data.held_out_labels == FIELD_DIGIT).nonzero()[0])
    u, c, truth, guided = fields_near(data.held_out_images[first : first + 1], learner, model, seed)
    labels = data.labels[:DROPPED_LABELS]
    generator = torch.Generator().manual_seed(seed)
    dropped = learner.images(
        4, "drop_labels", (DROPPED_LABELS,), labels, DROPOUT, CLASSES, generator=generator
    )
    return Inside(
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
def conditioning_sum(
    learner: Learner, model: nn.Module, width: int
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
    x0: Tensor, learner: Learner, model: nn.Module, seed: int
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
