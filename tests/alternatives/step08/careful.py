"""Verbose and careful: helpers, checks with sentences, a keyword extra, float64 for the metrics."""


def _shared_noise(shape, generator, noise):
    """Return the noise that was given, or new noise."""
    if noise is not None:
        return noise.detach()
    if generator is None:
        return torch.randn(shape)
    return torch.randn(shape, generator=generator, device=generator.device)


def compare_cfg_scales(
    model,
    target_digit=7,
    scales=(1, 2, 3, 4, 5, 7),
    num_samples=6,
    image_shape=(1, 28, 28),
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
    *,
    verbose=False,
):
    """Generate samples of one digit for each guidance scale."""
    if num_steps < 1:
        raise ValueError(f"num_steps must be a positive integer, but got {num_steps}.")
    if not 0 <= target_digit <= num_classes:
        raise ValueError(f"target_digit must be in [0, {num_classes}], but got {target_digit}.")
    scales = [float(scale) for scale in scales]
    shape = (num_samples, *image_shape)
    initial_noise = _shared_noise(shape, generator, noise)
    labels = torch.full((num_samples,), target_digit, dtype=torch.long)

    all_samples = []
    for scale in scales:
        if verbose:
            print(f"sampling with cfg_scale={scale}")
        samples = sample_conditional(
            model,
            labels,
            image_shape=tuple(image_shape),
            num_steps=num_steps,
            cfg_scale=scale,
            num_classes=num_classes,
            device=device,
            noise=initial_noise.clone(),
        )
        all_samples.append(samples)
    return torch.stack(all_samples, dim=0)


@torch.no_grad()
def fidelity(samples, labels, classifier):
    """Compute the fraction of samples that are classified as requested."""
    if labels.dim() != 1:
        raise ValueError(f"Expected labels of shape (N,), but got {tuple(labels.shape)}.")
    if labels.size(0) != samples.size(0):
        raise ValueError(f"Got {samples.size(0)} samples but {labels.size(0)} labels.")
    logits = classifier(samples)
    predictions = torch.argmax(logits, dim=-1)
    num_correct = torch.sum(predictions == labels).item()
    return num_correct / samples.size(0)


@torch.no_grad()
def diversity(samples):
    """Compute the mean per-pixel standard deviation across samples."""
    num_samples = samples.shape[0]
    if num_samples < 2:
        raise ValueError("Diversity requires at least two samples.")
    values = samples.to(torch.float64)
    mean = values.mean(dim=0, keepdim=True)
    variance = ((values - mean) ** 2).mean(dim=0)
    return float(torch.sqrt(variance).mean())
