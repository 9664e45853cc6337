"""The pictures of steps 1, 2, 5 and 10: the class table, the condition, and the model."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kata.figures import charts, images, laws, tables, tokens
from kata.figures.style import CaptionedFigure
from kata.given import DiT
from kata.given.dit import TimestepEmbedding
from kata.learn.kit import SAMPLING, PictureKit, new_source, same_draws
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import count_parameters
from kata.train.experiment import FIELD_DIGIT, class_table_of, embeddings_and_sum
from kata.train.pipeline import CLASSES, first_channel

TABLE_WIDTH, TIME_WIDTH = 1024, 256
"""The widths of the class table and of the tokens in the full model."""

ASKED_SCALES = (0, 1, 4)
OTHER_DIGIT = 1


def new_table(kit: PictureKit) -> CaptionedFigure:
    """Draw the class table of a new embedding."""
    learner = kit.learner(1)
    table = learner.tensor(
        1, "ClassEmbedding", _table(learner, _embedding(learner)), (CLASSES + 1, TABLE_WIDTH)
    ).numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        similarity = np.corrcoef(table)
    return tables.class_table(table, np.nan_to_num(similarity))


def sizes(kit: PictureKit) -> CaptionedFigure:
    """Draw how long the rows are beside the time embedding, and how far one training step moves
    them.
    """
    learner = kit.learner(1)
    embedding = _embedding(learner)
    everything = torch.arange(CLASSES + 1)
    shape = (CLASSES + 1, TABLE_WIDTH)
    with torch.no_grad(), same_draws():
        with learner.blame(1, "ClassEmbedding.forward"):
            h_y = embedding(everything)
        rows = learner.tensor(1, "ClassEmbedding.forward", h_y, shape)
        times = TimestepEmbedding(TIME_WIDTH, TABLE_WIDTH)(torch.linspace(0, 1, 11))
    with learner.blame(1, "ClassEmbedding.forward"):
        before = _table(learner, embedding).detach().clone()
        if any(p.requires_grad for p in embedding.parameters()):
            optimizer = torch.optim.SGD(embedding.parameters(), lr=1.0)
            h_y = embedding(everything.repeat(2))
            if h_y.requires_grad:
                h_y.sum().backward()
                optimizer.step()
        moved = (_table(learner, embedding).detach() - before).norm(dim=1) / 2 / TABLE_WIDTH**0.5
    return laws.embedding_sizes(
        rows.norm(dim=1).numpy(), times.norm(dim=1).detach().numpy(), moved.detach().numpy()
    )


def digits_as_asked(kit: PictureKit) -> CaptionedFigure:
    """Draw what the trained model samples with the step inside it."""
    pipeline = kit.pipeline(7)
    noise = pipeline.noise(CLASSES)
    rows = [first_channel(pipeline.each_class(1, scale, noise)) for scale in ASKED_SCALES]
    return images.as_asked(np.stack(rows), ASKED_SCALES)


def summed(kit: PictureKit) -> CaptionedFigure:
    """Draw the trained embeddings and their sum."""
    learner, model = kit.learner(2), kit.model
    width = class_table_of(learner, model).shape[1]
    return charts.conditioning_sum(*embeddings_and_sum(learner, model, width))


def modulated(kit: PictureKit) -> CaptionedFigure:
    """Draw tokens, scaled and shifted."""
    count, features = 12, 64
    learner = kit.learner(2)
    x = torch.randn(1, count, features, generator=new_source())
    x = F.layer_norm(x, (features,)).repeat(2, 1, 1)
    scale = torch.stack([torch.zeros(features), torch.linspace(-1, 1, features)])
    shift = torch.zeros(2, features)
    shift[1, -features // 8 :] = 2.0
    result = learner.images(2, "modulate", tuple(x.shape), x.clone(), scale, shift)
    return images.modulation(x[0].numpy(), result[0].numpy(), result[1].numpy())


def digits_by_modulate(kit: PictureKit) -> CaptionedFigure:
    """Draw what the trained model samples with `combine` and `modulate` inside its blocks."""
    shape = (CLASSES, *kit.trained.image_shape)
    noise = torch.randn(shape, generator=new_source())
    rows = {"off": (0.0, 1), "w = 1": (1.0, 1), "w = 4": (1.0, 4)}
    drawn = [
        kit.pipeline(7, model=kit.modulated_model(strength)).each_class(1, scale, noise)
        for strength, scale in rows.values()
    ]
    return images.digits_modulated(first_channel(torch.stack(drawn)), list(rows))


@torch.no_grad()
def inside_the_model(kit: PictureKit) -> CaptionedFigure:
    """Draw a digit in its patches, its tokens, and what another label changes at every block."""
    learner, model, shape = kit.learner(5), kit.model, kit.trained.image_shape
    noise = torch.randn(1, *shape, generator=new_source())
    image = kit.pipeline(7).draw(torch.tensor([FIELD_DIGIT]), 4.0, noise)
    seen: list[list[tuple[Tensor, Tensor, Tensor]]] = []
    with learner.blame(5, "ConditionalDiT"):
        blocks: Any = model.blocks
        hooks = [
            block.register_forward_hook(lambda _, ins, out: seen[-1].append((*ins[:2], out)))
            for block in blocks
        ]
        for label in (FIELD_DIGIT, OTHER_DIGIT):
            seen.append([])
            model(image, torch.full((1,), 0.5), torch.tensor([label]))
        for hook in hooks:
            hook.remove()
        one, other = seen
        heard = [_change(a[1], b[1]) for a, b in zip(one, other, strict=True)]
        changed = [_change(one[0][0], other[0][0])]
        changed += [_change(a[2], b[2]) for a, b in zip(one, other, strict=True)]
        entering = one[0][0][0].numpy()
        patch = round((shape[1] * shape[2] / len(entering)) ** 0.5)
    return tokens.patches_and_tokens(
        image[0, 0].numpy(), patch, entering, np.array(heard), np.array(changed)
    )


def none_and_null(kit: PictureKit) -> CaptionedFigure:
    """Draw the same noise without labels, with null labels, and with all labels."""
    pipeline = kit.pipeline(7)
    noise = pipeline.noise(CLASSES)
    shape = tuple(noise.shape)
    without = pipeline.steps.images(
        7,
        "sample",
        shape,
        kit.model,
        CLASSES,
        kit.trained.image_shape,
        num_steps=SAMPLING.num_steps,
        noise=noise,
    )
    null = pipeline.draw(torch.full((CLASSES,), CLASSES), 1, noise)
    asked = pipeline.draw(torch.arange(CLASSES), 4, noise)
    full = kit.learner(5).call(5, "ConditionalDiT")
    total = count_parameters(full)
    return images.none_beside_null(
        first_channel(torch.stack([without, null, asked])),
        f"{total:,} parameters at full size, {total - count_parameters(DiT()):,} of them for the label",
    )


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


def _embedding(learner: CheckedSteps) -> Any:
    with same_draws():
        return learner.call(1, "ClassEmbedding", CLASSES, TABLE_WIDTH)


def _table(learner: CheckedSteps, embedding: Any) -> Tensor:
    with learner.blame(1, "ClassEmbedding"):
        weight: Tensor = embedding.embed.weight
    return weight


def _change(a: Tensor, b: Tensor) -> float:
    """Return how much two tensors differ, relative to their length."""
    return float(2 * (a - b).norm() / (a.norm() + b.norm()))
