"""The grid is made first and filled row by row; moments by hand, counts as plain integers."""


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
):
    if noise is None:
        source = "cpu" if generator is None else generator.device
        noise = torch.empty(num_samples, *image_shape, device=source).normal_(generator=generator)
    grid = torch.empty(
        (len(scales), num_samples, *image_shape),
        dtype=noise.dtype,
        device=device or next(model.parameters()).device,
    )
    for row, scale in enumerate(scales):
        grid[row] = sample_conditional(
            model=model,
            class_labels=torch.full((num_samples,), target_digit, dtype=torch.long),
            image_shape=image_shape,
            num_steps=num_steps,
            cfg_scale=float(scale),
            num_classes=num_classes,
            device=device,
            noise=noise.clone(),
        )
    return grid


def fidelity(samples, labels, classifier):
    if labels.size() != samples.size()[:1]:
        raise ValueError(f"{labels.size()} labels")
    with torch.inference_mode():
        probabilities = torch.softmax(classifier(samples), dim=-1)
    right = int((probabilities.max(dim=-1).indices == labels).sum())
    return right / len(labels)


def diversity(samples):
    count = samples.size(0)
    if count in (0, 1):
        raise ValueError(f"{count} samples cannot differ")
    deviation = samples - samples.sum(0, keepdim=True) / count
    return float(((deviation**2).sum(0) / count).sqrt().flatten().mean())
