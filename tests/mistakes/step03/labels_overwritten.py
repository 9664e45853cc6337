"""The null labels are written into the caller's y, so that the next step of the sampler has no
labels left.

Seen in: our own thinking; the pattern y[:] = null
Caught by: test_guided_velocity_changes_no_input
"""


def guided_velocity(model, x, t, y, scale, null_class):
    if not isinstance(scale, Tensor) and scale == 1:
        return model(x, t, y)
    v_cond = model(x, t, y) if isinstance(scale, Tensor) or scale != 0 else None
    y.fill_(null_class)
    v_uncond = model(x, t, y)
    return v_uncond if v_cond is None else guide(v_uncond, v_cond, scale)
