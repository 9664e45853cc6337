"""What earlier lessons built: an unconditional Diffusion Transformer and its parts."""

from kata.given.device import get_device
from kata.given.dit import AdaLayerNorm, Attention, DiT, DiTBlock, PatchEmbedding
from kata.given.embeddings import TimestepEmbedding, position_embedding

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
