"""One doubled batch, its halves put together and taken apart by einops."""

import torch
from einops import rearrange, repeat


def guide(v_uncond, v_cond, scale):
    if torch.is_tensor(scale):
        if scale.ndim > 1 or (scale.ndim == 1 and len(scale) != len(v_cond)):
            raise ValueError("one scale per sample, or one for all")
        scale = rearrange(scale.to(v_cond).expand(len(v_cond)), "b -> b 1 1 1")
    return (1 - scale) * v_uncond + scale * v_cond


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not torch.is_tensor(scale) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(
        repeat(x, "b c h w -> (half b) c h w", half=2),
        repeat(t, "b -> (half b)", half=2),
        rearrange([null, y], "half b -> (half b)"),
    )
    v_uncond, v_cond = rearrange(both, "(half b) c h w -> half b c h w", half=2)
    return guide(v_uncond, v_cond, scale)
