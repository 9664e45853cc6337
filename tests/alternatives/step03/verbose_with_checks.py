"""Verbose and defensive, with helpers, checks of everything and a keyword extra."""

from numbers import Real


def _validate_velocities(v_uncond: Tensor, v_cond: Tensor) -> None:
    """Validate that both velocities are compatible."""
    if not isinstance(v_uncond, Tensor) or not isinstance(v_cond, Tensor):
        raise TypeError("Expected both velocities to be torch tensors.")
    if v_uncond.shape != v_cond.shape:
        raise ValueError(
            f"Shape mismatch: v_uncond has {tuple(v_uncond.shape)}, v_cond has {tuple(v_cond.shape)}."
        )


def _prepare_scale(scale: float | Tensor, reference: Tensor) -> Tensor:
    """Convert the guidance scale to a tensor that broadcasts over the reference."""
    if isinstance(scale, Real):
        return torch.tensor(float(scale), dtype=torch.float64).to(reference)
    if not isinstance(scale, Tensor):
        raise TypeError(f"Unsupported type for scale: {type(scale)!r}.")
    batch_size = reference.shape[0]
    if scale.dim() == 0:
        return scale.to(device=reference.device, dtype=reference.dtype)
    if scale.dim() == 1 and scale.shape[0] == batch_size:
        new_shape = (batch_size,) + (1,) * (reference.dim() - 1)
        return scale.to(device=reference.device, dtype=reference.dtype).reshape(new_shape)
    raise ValueError(
        f"Expected a scalar or a tensor of shape ({batch_size},), got {tuple(scale.shape)}."
    )


def guide(
    v_uncond: Tensor, v_cond: Tensor, scale: float | Tensor, *, validate: bool = True
) -> Tensor:
    """Apply classifier-free guidance to a pair of velocity predictions."""
    if validate:
        _validate_velocities(v_uncond, v_cond)
    guidance_scale = _prepare_scale(scale, v_uncond)
    guidance_direction = v_cond - v_uncond
    return v_uncond + guidance_scale * guidance_direction


def guided_velocity(
    model: nn.Module,
    x: Tensor,
    t: Tensor,
    y: Tensor,
    scale: float | Tensor,
    null_class: int,
) -> Tensor:
    """Compute the guided velocity with a single batched forward pass where possible."""
    y_null = torch.full_like(y, fill_value=null_class)
    # Fast paths: only a single forward pass is required.
    if isinstance(scale, Real):
        if scale == 0:
            return model(x, t, y_null)
        if scale == 1:
            return model(x, t, y)
    # General path: stack the unconditional and the conditional inputs.
    x_in = torch.cat([x, x], dim=0)
    t_in = torch.cat([t, t], dim=0)
    y_in = torch.cat([y_null, y], dim=0)
    v_uncond, v_cond = torch.chunk(model(x_in, t_in, y_in), chunks=2, dim=0)
    return guide(v_uncond, v_cond, scale)
