"""As language models write it: every argument checked, helper functions, an extra keyword that
keeps the whole path.
"""

from typing import Any


def _validate_num_steps(num_steps: int) -> None:
    """Validate the number of integration steps."""
    if num_steps < 1:
        raise ValueError(f"num_steps must be a positive integer, but got {num_steps!r}.")


def _resolve_device(model: nn.Module, device: torch.device | str | None) -> torch.device:
    """Resolve the device on which sampling takes place."""
    if device is not None:
        return torch.device(device)
    try:
        return next(model.parameters()).device
    except StopIteration:
        return torch.device("cpu")


def _prepare_noise(
    shape: tuple[int, ...],
    device: torch.device,
    generator: torch.Generator | None,
    noise: Tensor | None,
) -> Tensor:
    """Return the initial latent: the given noise, or freshly drawn Gaussian noise."""
    if noise is not None:
        if noise.shape != torch.Size(shape):
            raise ValueError(f"Expected noise of shape {shape}, but got {tuple(noise.shape)}.")
        return noise.detach().to(device=device)
    if generator is None:
        return torch.randn(shape, device=device)
    return torch.randn(shape, generator=generator, device=generator.device).to(device)


def _prepare_labels(class_labels: Any, num_classes: int, device: torch.device) -> Tensor:
    """Convert class labels into a validated int64 tensor of shape (B,)."""
    labels = class_labels if isinstance(class_labels, Tensor) else torch.tensor(class_labels)
    allowed = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    if labels.dtype not in allowed:
        raise TypeError(f"class_labels must be integers, but got dtype {labels.dtype}.")
    labels = labels.long()
    if labels.dim() == 0:
        labels = labels.unsqueeze(0)
    if labels.numel() > 0 and (labels.min() < 0 or labels.max() > num_classes):
        raise ValueError(f"class_labels must be in [0, {num_classes}].")
    return labels.to(device)


def _integrate(model, velocity_fn, x, num_steps, trajectory=None):
    """Integrate the probability flow ODE from t = 1 to t = 0 with explicit Euler steps."""
    training_states = {module: module.training for module in model.modules()}
    grad_enabled = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    model.eval()
    try:
        dt = 1.0 / num_steps
        for step_index in range(num_steps):
            current_time = 1.0 - step_index * dt
            t = torch.full((x.shape[0],), current_time, device=x.device, dtype=torch.float32)
            x = x - dt * velocity_fn(x, t)
            if trajectory is not None:
                trajectory.append(x)
    finally:
        torch.set_grad_enabled(grad_enabled)
        for module, was_training in training_states.items():
            module.training = was_training
    return x.detach()


def sample(
    model,
    num_samples,
    image_shape,
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
    trajectory=None,
):
    """Generate unconditional samples."""
    _validate_num_steps(num_steps)
    device = _resolve_device(model, device)
    x = _prepare_noise((num_samples, *image_shape), device, generator, noise)
    return _integrate(model, lambda x, t: model(x, t), x, num_steps, trajectory)


def sample_conditional(
    model,
    class_labels,
    image_shape,
    num_steps=50,
    cfg_scale=4.0,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
    trajectory=None,
):
    """Generate class-conditional samples using classifier-free guidance."""
    _validate_num_steps(num_steps)
    device = _resolve_device(model, device)
    labels = _prepare_labels(class_labels, num_classes, device)
    null_labels = torch.full_like(labels, num_classes)
    x = _prepare_noise((labels.shape[0], *image_shape), device, generator, noise)

    def velocity_fn(x: Tensor, t: Tensor) -> Tensor:
        if cfg_scale == 1:
            return model(x, t, labels)
        if cfg_scale == 0:
            return model(x, t, null_labels)
        x_in, t_in = torch.cat([x, x], dim=0), torch.cat([t, t], dim=0)
        y_in = torch.cat([labels, null_labels], dim=0)
        v_cond, v_uncond = torch.chunk(model(x_in, t_in, y_in), 2, dim=0)
        return torch.lerp(v_uncond, v_cond, cfg_scale)

    return _integrate(model, velocity_fn, x, num_steps, trajectory)


def sample_each_class(
    model,
    num_per_class=1,
    image_shape=(1, 28, 28),
    num_steps=50,
    cfg_scale=4.0,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    """Generate samples for every class, grouped by class."""
    labels = torch.arange(num_classes).unsqueeze(1).expand(-1, num_per_class).reshape(-1)
    return sample_conditional(
        model=model,
        class_labels=labels,
        image_shape=image_shape,
        num_steps=num_steps,
        cfg_scale=cfg_scale,
        num_classes=num_classes,
        device=device,
        generator=generator,
        noise=noise,
    )
