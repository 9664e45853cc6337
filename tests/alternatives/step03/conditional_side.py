"""Counted from the conditional side with w - 1, the null half last, and every number made a
tensor.
"""


def guide(v_uncond, v_cond, scale):
    w = torch.as_tensor(scale, dtype=v_cond.dtype, device=v_cond.device)
    if w.dim() == 1 and w.numel() == v_cond.size(0):
        w = w.reshape(-1, 1, 1, 1)
    elif w.dim():
        raise ValueError(f"scale of shape {tuple(w.shape)}")
    return v_cond + (w - 1) * (v_cond - v_uncond)


def guided_velocity(model, x, t, y, scale, null_class):
    shortcut = isinstance(scale, (int, float))
    if shortcut and scale == 1:
        return model(x, t, y=y)
    if shortcut and scale == 0:
        return model(x, t, y=y * 0 + null_class)
    labels = torch.cat((y, y * 0 + null_class))
    v = model(x.repeat(2, 1, 1, 1), t.repeat(2), y=labels)
    return guide(v_uncond=v[len(x) :], v_cond=v[: len(x)], scale=scale)
