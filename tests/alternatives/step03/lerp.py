"""torch.lerp does the mixing, and the model is called sample by sample."""


def guide(v_uncond, v_cond, scale):
    if not torch.is_tensor(scale):
        return torch.lerp(v_uncond, v_cond, float(scale))
    if scale.ndim == 0:
        return torch.lerp(v_uncond, v_cond, scale.to(v_cond))
    if scale.shape != (len(v_cond),):
        raise ValueError("one scale a sample, or one for all")
    return torch.stack(
        [torch.lerp(u, c, s) for u, c, s in zip(v_uncond, v_cond, scale.to(v_cond), strict=True)]
    )


def guided_velocity(model, x, t, y, scale, null_class):
    def ask(labels):
        return torch.cat(
            [model(x[i : i + 1], t[i : i + 1], labels[i : i + 1]) for i in range(len(x))]
        )

    null = torch.tensor([null_class] * len(x), device=y.device)
    if scale is not None and not torch.is_tensor(scale) and float(scale) == 0.0:
        return ask(null)
    if not torch.is_tensor(scale) and float(scale) == 1.0:
        return ask(y)
    return guide(ask(null), ask(y), scale)
