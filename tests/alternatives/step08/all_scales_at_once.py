"""All scales in one batch with a scale for every sample; NumPy for the metrics, numbers as 0-dim
tensors.
"""

import numpy as np

from .step03_guidance import guided_velocity


@torch.no_grad()
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
    if num_steps < 1:
        raise ValueError("no steps")
    device = device or next(model.parameters()).device
    if noise is None:
        noise = torch.randn(
            num_samples,
            *image_shape,
            generator=generator,
            device=generator.device if generator else "cpu",
        )
    x = noise.to(device).repeat(len(scales), 1, 1, 1)
    w = torch.tensor([float(scale) for scale in scales], device=device)
    w = w.repeat_interleave(num_samples)
    y = torch.full((len(x),), target_digit, device=device)
    modes = {layer: layer.training for layer in model.modules()}
    model.eval()
    for i in range(num_steps, 0, -1):
        t = torch.full((len(x),), i / num_steps, device=device)
        x = x - guided_velocity(model, x, t, y, w, num_classes) / num_steps
    for layer, mode in modes.items():
        layer.training = mode
    return x.view(len(scales), num_samples, *image_shape)


def fidelity(samples, labels, classifier):
    if labels.ndim != 1 or len(labels) != len(samples):
        raise ValueError("one label per sample")
    read = [int(classifier(sample[None])[0].argmax()) for sample in samples]
    return (
        torch.tensor([a == b for a, b in zip(read, labels.tolist(), strict=True)]).double().mean()
    )


def diversity(samples):
    if samples.shape[0] < 2:
        raise ValueError("two samples at least")
    return torch.tensor(np.std(samples.detach().cpu().double().numpy(), axis=0).mean())
