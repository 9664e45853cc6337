"""Sinusoidal embeddings of the time and of a patch's place in the image."""

import math

import torch
from torch import Tensor, nn


def sinusoids(positions: Tensor, dim: int) -> Tensor:
    """Return cosines and sines of `positions` at dim / 2 frequencies, from 1 to about 1 / 10,000.

    positions: any shape `(...)`; dim: even. The shape of the result is `(..., dim)`, cosines first.
    Source: Vaswani et al. 2017, section 3.5.
    """
    exponent = torch.arange(dim // 2, dtype=torch.float32, device=positions.device) / (dim // 2)
    angles = positions.to(torch.float32)[..., None] * torch.exp(-math.log(10_000.0) * exponent)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def position_embedding(grid_size: int, dim: int) -> Tensor:
    """Return a fixed embedding of the patches of a square grid, row by row: `(grid_size ** 2, dim)`.

    Half of the features encode the row, half the column; dim must be divisible by 4.
    """
    if dim % 4:
        raise ValueError(
            f"embed_dim must be divisible by 4 for two-dimensional positions, got {dim}"
        )
    rows, columns = torch.meshgrid(torch.arange(grid_size), torch.arange(grid_size), indexing="ij")
    return torch.cat(
        [sinusoids(rows.flatten(), dim // 2), sinusoids(columns.flatten(), dim // 2)], dim=-1
    )


class TimestepEmbedding(nn.Module):
    """Time `t` in [0, 1], shape `(B,)`, to a conditioning vector h_t, shape `(B, cond_dim)`.

    Sinusoids of 1000 t, then a small MLP. Without the factor, all frequencies below 1 would change
    very little over [0, 1]. Source: Ho et al. 2020, appendix B; Peebles & Xie 2023, section 3.2.
    """

    def __init__(self, dim: int, cond_dim: int) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"the number of sinusoidal features must be even, got {dim}")
        self.dim = dim
        self.mlp = nn.Sequential(nn.Linear(dim, cond_dim), nn.SiLU(), nn.Linear(cond_dim, cond_dim))

    def forward(self, t: Tensor) -> Tensor:
        if t.ndim != 1:
            raise ValueError(f"t must have shape (B,), one time per sample, got {tuple(t.shape)}")
        dtype = next(self.mlp.parameters()).dtype
        embedded: Tensor = self.mlp(sinusoids(1000.0 * t, self.dim).to(dtype))
        return embedded
