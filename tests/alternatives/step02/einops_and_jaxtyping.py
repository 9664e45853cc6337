"""Axes named by einops, shapes named by jaxtyping; both are installed with the course."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor


def combine(
    time_embedding: Float[Tensor, "batch width"], class_embedding: Float[Tensor, "batch width"]
) -> Float[Tensor, "batch width"]:
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("the embeddings must have the same shape")
    return time_embedding + class_embedding


def modulate(
    x: Float[Tensor, "batch tokens features"],
    scale: Float[Tensor, "batch features"],
    shift: Float[Tensor, "batch features"],
) -> Float[Tensor, "batch tokens features"]:
    batch, _, features = x.shape
    if not scale.shape == shift.shape == (batch, features):
        raise ValueError("one scale and one shift per sample and feature")
    per_token = "batch features -> batch 1 features"
    return x * (1 + rearrange(scale, per_token)) + rearrange(shift, per_token)
