"""Verbose and careful: a helper for the noise, checks with sentences, keywords everywhere."""


def _prepare_noise(num_samples, image_shape, generator, noise):
    """Return the given noise or draw a new one."""
    if noise is None:
        kwargs = {}
        if generator is not None:
            kwargs = {"generator": generator, "device": generator.device}
        noise = torch.randn(num_samples, *image_shape, **kwargs)
    return noise


def compare_modes(
    model,
    target_class=3,
    num_samples=16,
    cfg_scale=4.0,
    image_shape=(1, 28, 28),
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
    *,
    show_progress=False,
):
    """Sample the same noise unconditionally, conditionally and with guidance."""
    if num_steps <= 0:
        raise ValueError(f"num_steps must be positive, but got {num_steps}.")
    if target_class < 0 or target_class > num_classes:
        raise ValueError(f"target_class must be in [0, {num_classes}], but got {target_class}.")
    shared_noise = _prepare_noise(num_samples, image_shape, generator, noise)
    settings = [
        ("unconditional", num_classes, 1.0),
        ("conditional", target_class, 1.0),
        ("guided", target_class, cfg_scale),
    ]
    results: dict[str, Tensor] = {}
    for name, label, scale in settings:
        if show_progress:
            print(f"sampling: {name}")
        class_labels = torch.full((num_samples,), label, dtype=torch.long)
        results[name] = sample_conditional(
            model=model,
            class_labels=class_labels,
            image_shape=image_shape,
            num_steps=num_steps,
            cfg_scale=scale,
            num_classes=num_classes,
            device=device,
            noise=shared_noise.clone(),
        )
    return results
