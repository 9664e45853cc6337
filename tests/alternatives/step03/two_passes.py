"""Two passes instead of a doubled batch, and the sum of weights instead of the difference."""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim and scale.shape != v_cond.shape[:1]:
            raise ValueError("one scale a sample")
        scale = scale.to(v_cond).reshape(-1, 1, 1, 1)
    return (1 - scale) * v_uncond + scale * v_cond


def guided_velocity(model, x, t, y, scale, null_class):
    if isinstance(scale, (int, float)) and scale == 0:
        return model(x, t, torch.full_like(y, null_class))
    if isinstance(scale, (int, float)) and scale == 1:
        return model(x, t, y)
    return guide(model(x, t, torch.full_like(y, null_class)), model(x, t, y), scale)
