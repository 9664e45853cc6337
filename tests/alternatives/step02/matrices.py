"""The scale as a diagonal matrix, multiplied by torch.baddbmm; errors of torch are turned into
ValueError.
"""

import torch


def combine(time_embedding, class_embedding):
    try:
        time_embedding.view_as(class_embedding)
        if time_embedding.shape != class_embedding.shape:
            raise RuntimeError("the same numbers in another shape")
    except RuntimeError as error:
        raise ValueError("the embeddings must have one shape") from error
    return class_embedding + time_embedding


def modulate(x, scale, shift):
    batch, tokens, features = x.shape
    if (batch, features) != scale.shape or scale.shape != shift.shape:
        raise ValueError("a scale and a shift per sample")
    shift = shift.reshape(batch, 1, features).expand(batch, tokens, features)
    return torch.baddbmm(shift, x, torch.diag_embed(1 + scale))
