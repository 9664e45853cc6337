"""A small class holds the two velocities, and the functions are thin."""


class Guidance:
    def __init__(self, uncond, cond):
        self.uncond, self.direction = uncond, cond - uncond

    def weight(self, scale):
        if not isinstance(scale, Tensor):
            return scale
        batch = self.uncond.size(0)
        if scale.dim() not in (0, 1) or (scale.dim() == 1 and scale.size(0) != batch):
            raise ValueError(f"scale must be a scalar or have {batch} elements")
        scale = scale.to(device=self.uncond.device, dtype=self.uncond.dtype)
        return scale.expand(batch)[:, None, None, None]

    def at(self, scale):
        return torch.addcmul(
            self.uncond, self.direction, torch.as_tensor(self.weight(scale)).to(self.uncond)
        )


def guide(v_uncond, v_cond, scale):
    return Guidance(v_uncond, v_cond).at(scale)


def guided_velocity(model, x, t, y, scale, null_class):
    nothing = torch.zeros_like(y).fill_(null_class)
    plain = {0.0: nothing, 1.0: y}
    if not isinstance(scale, Tensor) and float(scale) in plain:
        return model(x, t, plain[float(scale)])
    return Guidance(model(x, t, nothing), model(x, t, y)).at(scale)
