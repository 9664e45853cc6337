"""guided_velocity mixes by a formula of its own, which broadcasts any shape of a scale; only guide
refuses.

Seen in: our own thinking; the formula copied instead of called
Caught by: test_guided_velocity_refuses_the_scales_that_guide_refuses
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    if isinstance(scale, Tensor):
        scale = scale.to(both).flatten()
        scale = scale.repeat(len(x))[: len(x)].view(-1, 1, 1, 1)
    return v_uncond + scale * (v_cond - v_uncond)
