"""The shared noise is drawn for each scale again, from the same state of the generator."""


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
    source = generator or torch.default_generator
    state = source.get_state()
    rows = []
    for scale in scales:
        source.set_state(state)
        rows += [
            sample_conditional(
                model,
                num_samples * [target_digit],
                image_shape,
                num_steps,
                scale,
                num_classes,
                device,
                generator,
                noise,
            ).unsqueeze(0)
        ]
    return torch.cat(rows, dim=0)


def fidelity(samples, labels, classifier):
    if labels.shape != (len(samples),):
        raise ValueError(f"{len(samples)} samples, labels {tuple(labels.shape)}")
    logits = classifier(samples.clone()).detach()
    return torch.eq(logits.topk(1).indices.squeeze(1), labels).to(torch.float64).mean()


def diversity(samples):
    if not len(samples) > 1:
        raise ValueError("fewer than 2 samples")
    return torch.var(samples.double().flatten(1), dim=0, unbiased=False).sqrt().mean().numpy()[()]
