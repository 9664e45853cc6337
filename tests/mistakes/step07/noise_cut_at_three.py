"""The noise is cut off at three standard deviations: a quarter of a percent of it is missing.

Seen in: clamp(-3, 3) against outliers; trunc_normal_ in initialisations
Caught by: test_noise_has_the_tails_of_a_normal
"""


@torch.no_grad()
def _euler(model, velocity, shape, num_steps, device, generator, noise):
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    device = _device_of(model, device)
    if noise is None:
        source = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=source)
        noise = noise.clamp(-3, 3)
    x = noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
