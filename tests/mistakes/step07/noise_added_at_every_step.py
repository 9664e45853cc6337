"""Fresh noise is added at every step, as in DDPM: the path is no longer that of the flow.

Seen in: habits from ancestral sampling; our own thinking
Caught by: test_the_whole_path_is_eulers, test_the_whole_path_of_sample_is_eulers
"""


@torch.no_grad()
def _euler(model, velocity, shape, num_steps, device, generator, noise):
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    device = _device_of(model, device)
    if noise is None:
        source = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=source)
    x = noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
        if i < num_steps - 1:
            x = x + 0.1 * torch.randn_like(x) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
