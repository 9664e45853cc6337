"""Only the first three channels are guided; a fourth stays conditional.

Seen in: facebookresearch/DiT#41, SiT#23, LightningDiT#21, Open-Sora#188
Caught by: test_every_channel_is_guided
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    guided = v_uncond[:, :3] + scale * (v_cond[:, :3] - v_uncond[:, :3])
    return torch.cat([guided, v_cond[:, 3:]], dim=1)
