"""Gradients are recorded even where the caller has switched them off, as a sampler does.

Seen in: our own thinking; torch.enable_grad() to be on the safe side
Caught by: test_caller_decides_about_gradients
"""


@torch.enable_grad()
def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
