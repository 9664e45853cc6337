"""An unconditional Diffusion Transformer (DiT), read from top to bottom.

Peebles & Xie, "Scalable Diffusion Models with Transformers", 2023. An image is cut into patches,
each patch becomes a token, blocks of attention and MLP change the tokens, and a linear head turns
each token back into a patch of velocity. The time enters every block through adaptive layer norm:
the conditioning vector c sets the scale and the shift of the features.
"""

import math

import torch
import torch.nn.functional as F
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
    """Return a fixed embedding of the patches of a square grid, row by row: `(grid_size ** 2,
    dim)`.

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


class PatchEmbedding(nn.Module):
    """Images `(B, C, H, W)` to tokens `(B, N, dim)`, one per patch, row by row."""

    def __init__(self, patch_size: int, in_channels: int, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> Tensor:
        patches: Tensor = self.conv(x)
        return patches.flatten(2).transpose(1, 2)


class AdaLayerNorm(nn.Module):
    """Layer norm with scale and shift from the condition: LayerNorm(x) * (1 + scale(c)) + shift(c).

    x: `(B, N, dim)`, c: `(B, cond_dim)`. The projection starts at zero, so at first it is a plain
    layer norm.
    """

    def __init__(self, dim: int, cond_dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)
        self.project = nn.Linear(cond_dim, 2 * dim)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        scale, shift = self.project(F.silu(c))[:, None].chunk(2, dim=-1)
        modulated: Tensor = self.norm(x) * (1 + scale) + shift
        return modulated


class Attention(nn.Module):
    """Multi-head self-attention over the tokens of one image: `(B, N, dim)` to `(B, N, dim)`."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"embed_dim must be divisible by num_heads, got {dim} and {num_heads}")
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        heads = self.qkv(x).view(batch, tokens, 3, self.num_heads, dim // self.num_heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, dim)
        projected: Tensor = self.out(mixed)
        return projected


class DiTBlock(nn.Module):
    """One transformer block: attention and MLP, each after an adaptive norm, with a residual."""

    def __init__(self, dim: int, cond_dim: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.norm1 = AdaLayerNorm(dim, cond_dim)
        self.attention = Attention(dim, num_heads)
        self.norm2 = AdaLayerNorm(dim, cond_dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x, c))
        x = x + self.mlp(self.norm2(x, c))
        return x


class DiT(nn.Module):
    """The velocity field v(x_t, t) on images `(B, in_channels, img_size, img_size)`.

    12,351,760 parameters by default. `cond_dim`, the width of the conditioning vector, is 4 *
    embed_dim. The head starts at zero, so a new model predicts 0 everywhere. Raise ValueError if
    img_size is not a multiple of patch_size, or if an input has another shape.
    """

    def __init__(
        self,
        img_size: int = 28,
        patch_size: int = 4,
        in_channels: int = 1,
        embed_dim: int = 256,
        depth: int = 6,
        num_heads: int = 8,
        mlp_ratio: float = 4.0,
    ) -> None:
        super().__init__()
        if img_size % patch_size:
            raise ValueError(
                f"img_size must be a multiple of patch_size, got {img_size} and {patch_size}"
            )
        self.image_shape = (in_channels, img_size, img_size)
        self.patch_size = patch_size
        self.grid_size = img_size // patch_size
        self.cond_dim = 4 * embed_dim
        self.time_embed = TimestepEmbedding(embed_dim, self.cond_dim)
        self.patch_embed = PatchEmbedding(patch_size, in_channels, embed_dim)
        self.positions: Tensor
        self.register_buffer(
            "positions", position_embedding(self.grid_size, embed_dim), persistent=False
        )
        self.blocks = nn.ModuleList(
            DiTBlock(embed_dim, self.cond_dim, num_heads, mlp_ratio) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dim)
        self.head = nn.Linear(embed_dim, in_channels * patch_size**2)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the velocity `(B, C, H, W)` at x, `(B, C, H, W)`, and t, `(B,)` in [0, 1]."""
        return self.velocity(x, self.time_embed(t))

    def velocity(self, x: Tensor, c: Tensor) -> Tensor:
        """Return the velocity at x, `(B, C, H, W)`, for the conditioning vector c, `(B,
        cond_dim)`.
        """
        if tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(
                f"x must have shape (B, {', '.join(map(str, self.image_shape))}), got {tuple(x.shape)}"
            )
        if tuple(c.shape) != (x.shape[0], self.cond_dim):
            raise ValueError(
                f"c must have shape ({x.shape[0]}, {self.cond_dim}), got {tuple(c.shape)}"
            )
        tokens = self.patch_embed(x) + self.positions
        for block in self.blocks:
            tokens = block(tokens, c)
        return self.unpatchify(self.head(self.norm(tokens)))

    def unpatchify(self, patches: Tensor) -> Tensor:
        """Return the images `(B, C, H, W)` of patches `(B, N, C * P * P)`, row by row."""
        size, grid = self.patch_size, self.grid_size
        squares = patches.view(-1, grid, grid, self.image_shape[0], size, size)
        return torch.einsum("bhwcpq->bchpwq", squares).reshape(-1, *self.image_shape)
