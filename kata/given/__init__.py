"""What earlier lessons built: an unconditional Diffusion Transformer and its parts."""

import torch

from kata.given.dit import (
    AdaLayerNorm,
    Attention,
    DiT,
    DiTBlock,
    PatchEmbedding,
    TimestepEmbedding,
    position_embedding,
)

__all__ = [
    "AdaLayerNorm",
    "Attention",
    "DiT",
    "DiTBlock",
    "PatchEmbedding",
    "TimestepEmbedding",
    "get_device",
    "position_embedding",
]


def get_device() -> torch.device:
    """Return the best device of this machine: a CUDA GPU, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
