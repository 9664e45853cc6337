"""Each image's noise is scaled to the same norm, so that it lies on a sphere and is not normal.

Seen in: spherical latents of GANs; our own thinking
Caught by: test_noise_is_independent
"""


@torch.no_grad()
def _euler(model, velocity, shape, num_steps, device, generator, noise):
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    device = _device_of(model, device)
    if noise is None:
        source = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=source)
        length = noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        noise = noise * (noise[0].numel() ** 0.5 / length)
    x = noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
