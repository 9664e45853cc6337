"""What a plain implementation does, to compare with: the same results, without any of the shortcuts."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from kata.given import Attention, DiT, DiTBlock


class WeightedAttention(nn.Module):
    """Torch's own layer with the weights of the given attention; it returns what it attends to, so it must keep it."""

    def __init__(self, given: Attention) -> None:
        super().__init__()
        dim = given.out.in_features
        self.layer = nn.MultiheadAttention(dim, given.num_heads, batch_first=True)
        self.layer.load_state_dict(
            {
                "in_proj_weight": given.qkv.weight,
                "in_proj_bias": given.qkv.bias,
                "out_proj.weight": given.out.weight,
                "out_proj.bias": given.out.bias,
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        mixed, _ = self.layer(x, x, x, need_weights=True)
        return mixed


def with_attention_weights(model: DiT) -> DiT:
    """A copy of the model, with the same parameters, in which every attention returns its weights."""
    plain = deepcopy(model)
    for block in plain.blocks:
        assert isinstance(block, DiTBlock)
        block.attention = WeightedAttention(block.attention)  # type: ignore[assignment]
    return plain.to(plain.positions.device)


def decoder(images: np.ndarray) -> Callable[[Tensor], Tensor]:
    """What turns indices `(B,)` into images `(B, 1, H, W)` in [-1, 1], each decoded anew, as torchvision's MNIST does.

    images: uint8 `(N, H, W)`.
    """
    from torchvision import transforms

    to_range = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    return lambda chosen: torch.stack([to_range(Image.fromarray(images[i])) for i in chosen])


@torch.no_grad()
def two_passes(
    model: nn.Module, noise: Tensor, labels: Tensor, num_steps: int, scale: float, null_class: int
) -> Tensor:
    """Guided sampling by Euler's method with two calls a step, whatever the scale: 2B samples evaluated a step.

    noise: `(B, C, H, W)` at t = 1; labels: int64 `(B,)`. Returns `(B, C, H, W)`.
    """
    x, null = noise, torch.full_like(labels, null_class)
    for i in range(num_steps):
        t = torch.full((len(x),), 1 - i / num_steps, device=x.device)
        v_uncond, v_cond = model(x, t, null), model(x, t, labels)
        x = x - (v_uncond + scale * (v_cond - v_uncond)) / num_steps
    return x
