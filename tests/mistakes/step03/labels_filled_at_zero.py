"""At the scale 0 the caller's labels are filled with the null class, in place.

Seen in: our own thinking; y.fill_(null_class) instead of full_like
Caught by: test_guided_velocity_changes_no_input
"""


def guided_velocity(model, x, t, y, scale, null_class):
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else y.fill_(null_class))
    null = torch.full_like(y, null_class)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
